/**
 * Spellings of other container systems that run and create take: rewritten on exact match where an option may stand.
 *
 * docker's client rejects each of them, so none can change what a docker command line means. Data only.
 */

/** One-dash long names, and `--it`; other second names are aliases in the option's own entry. */
export const runRewrites: Readonly<Record<string, readonly string[]>> = {
  "-name": ["--name"],
  "-image": ["--image"],
  "-net": ["--network"],
  "-cpuset": ["--cpuset-cpus"],
  "-cpushare": ["--cpu-shares"],
  "-cpumem": ["--cpuset-mems"],
  "-netdriver": ["--netdriver"],
  "-container": ["--container"],
  "-resolv": ["--resolv"],
  "-command": ["--command"],
  "--it": ["-i", "-t"],
  "--ti": ["-i", "-t"],
};
