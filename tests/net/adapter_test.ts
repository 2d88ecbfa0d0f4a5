import { loadNet } from "../../src/net/runtime.ts";
import { socketContract } from "./socket_contract.ts";

socketContract({ name: "native TCP", make: () => loadNet() });
