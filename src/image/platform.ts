/**
 * Platforms: which of an index's images this machine runs.
 *
 * Normalisation and the order of preference (arm/v7 runs on an arm64 host, amd64/v2 on v3 …) follow
 * https://github.com/containerd/platforms (database.go, compare.go), which docker uses. Reads nothing of the host but
 * Node's name for its architecture.
 */
import { BockerError } from "../errors.ts";

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** Absent where it says nothing new: amd64 is v1, arm64 is v8. */
  readonly variant?: string;
}

const osNames: Readonly<Record<string, string>> = { macos: "darwin" };
const architectureNames: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  x64: "amd64",
  i386: "386",
  ia32: "386",
  aarch64: "arm64",
};

/** What a word alone may mean; after an OS, any may stand. */
const knownArchitectures: ReadonlySet<string> = new Set(
  "386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm".split(" "),
);

/** This machine's platform. */
export function hostPlatform(): Platform {
  return normalisePlatform({ os: "linux", architecture: process.arch });
}

/** Parses `--platform`: `os/arch[/variant]`, or `os` or `arch` alone, the rest taken from the host. */
export function parsePlatform(text: string, host: Platform = hostPlatform()): Platform {
  const parts = text.toLowerCase().split("/");
  if (text.length > 64 || parts.length > 3 || !parts.every((part) => /^[a-z0-9_][a-z0-9_.-]*$/.test(part))) {
    throw new BockerError(`invalid platform "${text.slice(0, 64)}"`, {
      kind: "usage",
      hint: "write it as OS/ARCH[/VARIANT], for example linux/arm64",
    });
  }
  const [first = "", second, variant] = parts;
  if (second !== undefined) return normalisePlatform({ os: first, architecture: second, variant });
  const name = osNames[first] ?? first;
  const isOs = name === "linux" || name === "windows" || name === "darwin" || name === "freebsd";
  if (isOs) return { ...host, os: name };
  const platform = normalisePlatform({ os: host.os, architecture: first });
  if (knownArchitectures.has(platform.architecture)) return platform;
  throw new BockerError(
    `${JSON.stringify(text)}: unknown operating system or architecture: invalid argument`,
    {
      kind: "usage",
      hint: "write it as OS/ARCH[/VARIANT], for example linux/arm64",
    },
  );
}

/** One spelling for each platform. */
export function normalisePlatform(platform: {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}): Platform {
  const os = platform.os.toLowerCase();
  const { architecture, variant } = normaliseArchitecture(
    platform.architecture.toLowerCase(),
    (platform.variant ?? "").toLowerCase(),
  );
  return { os: osNames[os] ?? os, architecture, ...(variant === "" ? {} : { variant }) };
}

/** `linux/arm/v7`. */
export function renderPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** Whether an image of platform `image` is one that was asked for by `wanted` (its lesser kin included). */
export function platformMatches(wanted: Platform, image: Platform): boolean {
  return rank(platformVector(wanted), image) >= 0;
}

/**
 * The index of the best candidate for `wanted`, -1 if none runs there. Candidates without a platform never match; the
 * first of equals wins, as with docker.
 */
export function selectPlatform(wanted: Platform, candidates: readonly (Platform | undefined)[]): number {
  const vector = platformVector(wanted);
  let best = -1;
  let bestRank = Number.POSITIVE_INFINITY;
  candidates.forEach((candidate, index) => {
    const found = candidate === undefined ? -1 : rank(vector, candidate);
    if (found < 0 || found >= bestRank) return;
    best = index;
    bestRank = found;
  });
  return best;
}

function rank(vector: readonly Platform[], image: Platform): number {
  const { os, architecture, variant } = normalisePlatform(image);
  return vector.findIndex(
    (entry) => entry.os === os && entry.architecture === architecture && entry.variant === variant,
  );
}

/** Everything that runs where `wanted` runs, best first. */
function platformVector(wanted: Platform): Platform[] {
  const platform = normalisePlatform(wanted);
  const { os, variant } = platform;
  switch (platform.architecture) {
    case "amd64":
      return [
        platform,
        ...lesserVariants(variant, 2).map((lesser) => normalisePlatform({ ...platform, variant: lesser })),
        ...(variant === undefined ? [] : [{ os, architecture: "amd64" }]),
        { os, architecture: "386" },
      ];
    case "arm":
      return [platform, ...lesserVariants(variant, 5).map((lesser) => ({ ...platform, variant: lesser }))];
    case "arm64":
      return [
        platform,
        ...(variant === undefined ? [] : [{ os, architecture: "arm64" }]),
        ...["v8", "v7", "v6", "v5"].map((lesser) => ({ os, architecture: "arm", variant: lesser })),
      ];
    default:
      return [platform];
  }
}

/** `v7`, down to 5: `v6`, `v5`. */
function lesserVariants(variant: string | undefined, least: number): string[] {
  const top = Number(variant?.slice(1));
  const variants: string[] = [];
  for (let version = Math.min(top, 16) - 1; version >= least; version--) variants.push(`v${version}`);
  return variants;
}

function normaliseArchitecture(
  architecture: string,
  variant: string,
): { architecture: string; variant: string } {
  const name = architectureNames[architecture] ?? architecture;
  if (name === "amd64") return { architecture: name, variant: variant === "v1" ? "" : variant };
  if (name === "386") return { architecture: name, variant: "" };
  if (name === "arm64") return { architecture: name, variant: /^v?8(?:\.0)?$/.test(variant) ? "" : variant };
  if (name === "armhf") return { architecture: "arm", variant: "v7" };
  if (name === "armel") return { architecture: "arm", variant: "v6" };
  if (name === "arm") return { architecture: name, variant: normaliseArmVariant(variant) };
  return { architecture: name, variant };
}

function normaliseArmVariant(variant: string): string {
  if (variant === "") return "v7";
  return /^\d$/.test(variant) ? `v${variant}` : variant;
}
