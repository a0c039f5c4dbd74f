/** A private state database in a temporary folder, with builders for records. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootId } from "../../../src/host/clock.ts";
import { readProcessIdentity } from "../../../src/host/process-identity.ts";
import { randomId } from "../../../src/host/random-id.ts";
import { completeConfig } from "../../../src/state/config-column.ts";
import { insertContainer, type NewContainer } from "../../../src/state/container.ts";
import type {
  ContainerRecord,
  LeaseRecord,
  NetworkRecord,
  ProcessIdentity,
} from "../../../src/state/record.ts";
import { openState, type State } from "../../../src/state/state.ts";

export interface StateFixture extends Disposable {
  readonly state: State;
  readonly folder: string;
  readonly database: string;
}

export function stateFixture(): StateFixture {
  const folder = mkdtempSync(join(tmpdir(), "bocker-state-"));
  const database = join(folder, "root/state.db");
  const state = openState({ database });
  return {
    state,
    folder,
    database,
    [Symbol.dispose]() {
      state.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function addContainer(state: State, changes: Partial<NewContainer> = {}): ContainerRecord {
  const id = changes.id ?? randomId();
  return insertContainer(state, {
    id,
    name: `name-${id.slice(0, 12)}`,
    config: completeConfig({ image: "busybox" }),
    imageId: `sha256:${"1".repeat(64)}`,
    imageName: "busybox",
    args: ["sh"],
    anonymousVolumes: [],
    ...changes,
  });
}

/** This very test process: alive. */
export function liveProcess(): ProcessIdentity {
  const identity = readProcessIdentity(process.pid);
  if (identity === undefined) throw new Error("no identity of this process");
  return identity;
}

/** A process that never was. */
export function deadProcess(startTicks = "1"): ProcessIdentity {
  return { pid: 4_194_303, startTicks, bootId: bootId() };
}

export function aLease(
  networkId: string,
  containerId: string,
  address: string,
  changes: Partial<LeaseRecord> = {},
): LeaseRecord {
  return {
    networkId,
    containerId,
    endpointId: randomId(),
    address,
    macAddress: "02:42:ac:1e:00:02",
    hostInterface: `v${containerId.slice(0, 10)}`,
    containerInterface: "eth0",
    aliases: [],
    gatewayPriority: 0,
    ...changes,
  };
}

export function aNetwork(changes: Partial<NetworkRecord> = {}): NetworkRecord {
  return {
    id: randomId(),
    name: "bridge",
    driver: "bridge",
    bridge: "bocker0",
    subnet: "172.30.0.0/24",
    gateway: "172.30.0.1",
    auxAddresses: {},
    hasOwnSubnet: true,
    internal: false,
    attachable: false,
    mtu: 1500,
    labels: {},
    options: {},
    createdAtMs: 1,
    ...changes,
  };
}
