/** One of the processes of state-concurrency.test.ts: DATABASE INDEX. Makes a container with an address and a port. */

import { readProcessIdentity } from "../../src/host/process-identity.ts";
import { planLease } from "../../src/network/plan-lease.ts";
import { markStarting } from "../../src/state/container-life.ts";
import { leaseAddress } from "../../src/state/lease.ts";
import { findNetworkByName, insertNetwork } from "../../src/state/network.ts";
import { reservePorts } from "../../src/state/port.ts";
import { openState } from "../../src/state/state.ts";
import { addContainer, aNetwork } from "../unit/state/state-fixture.ts";

const [database = "", index = ""] = process.argv.slice(2);
const networkId = "f".repeat(64);
const network = aNetwork({
  id: networkId,
  ipv6: { subnet: "fd00::/120", gateway: "fd00::1", auxAddresses: {} },
});
using state = openState({ database });
state.transaction(() => {
  if (findNetworkByName(state, "bridge") === undefined) insertNetwork(state, network);
});
const { id } = addContainer(state, { name: `client-${index}` });
const monitor = readProcessIdentity(process.pid);
if (monitor === undefined || !markStarting(state, id, monitor)) throw new Error("not claimed");
const lease = leaseAddress(state, networkId, (taken) => {
  const request = { name: "bridge", aliases: [] };
  return planLease(network, { containerId: id, request, held: [] }, taken);
});
if (lease === undefined) throw new Error("no lease");
const hostPort = 10_000 + (Number(index) || 0);
reservePorts(state, [
  {
    containerId: id,
    hostIp: "0.0.0.0",
    hostPort,
    containerIp: lease.address,
    containerPort: 80,
    protocol: "tcp",
  },
]);
console.log("done");
