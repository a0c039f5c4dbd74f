/**
 * Options of run and create about block devices: weights, and rates by device.
 */
import {
  checkBlkioWeight,
  parseDeviceBps,
  parseDeviceIops,
  parseDeviceWeight,
  renderDeviceBps,
  renderDeviceIops,
  renderDeviceWeight,
} from "../block-io-spec.ts";
import type { DeviceRate, ResourceConfig } from "../container-config.ts";
import { intOption, listOption, type RunOption } from "../run-option.ts";

type RateKey = "readBps" | "writeBps" | "readIops" | "writeIops";

export const blockIoOptions: readonly RunOption[] = [
  intOption(
    {
      name: "blkio-weight",
      placeholder: "uint16",
      defaultText: "0",
      help: "Block IO (relative weight), between 10 and 1000, or 0 to disable",
    },
    (draft, weight) => {
      checkBlkioWeight(weight);
      if (weight !== 0) draft.config.resources.blkioWeight = weight;
    },
    (config) => config.resources.blkioWeight,
  ),
  listOption(
    {
      name: "blkio-weight-device",
      defaultText: "[]",
      help: "Block IO weight (relative device weight)",
      check: (text) => void parseDeviceWeight(text),
    },
    (draft, words) => {
      draft.config.resources.blkioWeightDevices = words.map(parseDeviceWeight);
    },
    (config) => config.resources.blkioWeightDevices?.map(renderDeviceWeight),
  ),
  rateOption("device-read-bps", "readBps", "Limit read rate (bytes per second) from a device"),
  rateOption("device-read-iops", "readIops", "Limit read rate (IO per second) from a device"),
  rateOption("device-write-bps", "writeBps", "Limit write rate (bytes per second) to a device"),
  rateOption("device-write-iops", "writeIops", "Limit write rate (IO per second) to a device"),
];

function rateOption(name: string, key: RateKey, help: string): RunOption {
  const inBytes = key.endsWith("Bps");
  const parse: (text: string) => DeviceRate = inBytes ? parseDeviceBps : parseDeviceIops;
  return listOption(
    { name, defaultText: "[]", help, check: (text) => void parse(text) },
    (draft, words) => {
      const { resources } = draft.config;
      resources.deviceRates = { ...resources.deviceRates, [key]: words.map(parse) };
    },
    ({ resources }: { readonly resources: ResourceConfig }) =>
      resources.deviceRates?.[key]?.map(inBytes ? renderDeviceBps : renderDeviceIops),
  );
}
