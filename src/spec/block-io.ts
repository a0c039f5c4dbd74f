/**
 * Limits of block devices as the runtime spec's `blockIO` (config-linux.md#block-io). Pure.
 */
import type { DeviceRate, ResourceConfig } from "../config/container-config.ts";
import type { SpecResources } from "./oci.ts";

/** By path on the host. */
export type DeviceNumbers = Readonly<Record<string, { readonly major: number; readonly minor: number }>>;

type BlockIo = NonNullable<SpecResources["blockIO"]>;

/** `{}` where nothing is limited. Every path must be in `numbers`. */
export function blockIoOf(resources: ResourceConfig, numbers: DeviceNumbers): { readonly blockIO?: BlockIo } {
  const { blkioWeight, blkioWeightDevices = [], deviceRates = {} } = resources;
  const { readBps = [], writeBps = [], readIops = [], writeIops = [] } = deviceRates;
  const rates = (list: readonly DeviceRate[]) => list.map(({ path, rate }) => ({ ...numbers[path], rate }));
  const limits: BlockIo = {
    ...(blkioWeight === undefined ? {} : { weight: blkioWeight }),
    weightDevice: blkioWeightDevices.map(({ path, weight }) => ({ ...numbers[path], weight })),
    throttleReadBpsDevice: rates(readBps),
    throttleWriteBpsDevice: rates(writeBps),
    throttleReadIOPSDevice: rates(readIops),
    throttleWriteIOPSDevice: rates(writeIops),
  };
  const given = Object.entries(limits).filter(([, value]) => !Array.isArray(value) || value.length > 0);
  return given.length === 0 ? {} : { blockIO: Object.fromEntries(given) };
}
