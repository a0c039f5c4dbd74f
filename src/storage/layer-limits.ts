/**
 * The bounds on unpacking a layer, as the environment raises or lowers them. Pure.
 *
 *   BOCKER_MAX_LAYER_BYTES       bytes of one uncompressed layer (64 GiB)
 *   BOCKER_MAX_LAYER_EXPANSION   uncompressed to compressed, watched from the first GiB on (200)
 */
import { BockerError } from "../errors.ts";
import type { LayerLimits } from "./layer-message.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Absent variables leave the defaults. Throws kind `invalid-config` for what is no positive whole number. */
export function layerLimitsOf(env: Environment): LayerLimits {
  return {
    ...limitOf("maxLayerBytes", "BOCKER_MAX_LAYER_BYTES", env),
    ...limitOf("maxExpansion", "BOCKER_MAX_LAYER_EXPANSION", env),
  };
}

function limitOf(key: keyof LayerLimits, name: string, env: Environment): LayerLimits {
  const text = env[name] ?? "";
  if (text === "") return {};
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value > 0) return { [key]: value };
  throw new BockerError(`invalid ${name} "${text}": not a positive whole number`, { kind: "invalid-config" });
}
