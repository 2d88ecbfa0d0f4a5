import { MemoryNet } from "../../src/net/memory.ts";
import { socketContract } from "./socket_contract.ts";

socketContract({
  name: "MemoryNet",
  make: () => new MemoryNet(),
  transitBytes: 3 << 20,
  leaked: (net) => (net as MemoryNet).connections,
});
