/**
 * Ids and made-up names: the only source of randomness in the records.
 *
 * An id is 64 hex digits and is shown as its first 12, which are never all decimal: such a host name would be
 * read as a number by resolvers and tools (docker keeps the same rule).
 */

const adjectives =
  "able amber ample arctic blithe brave breezy brisk calm candid clever cosy crisp curious daring deft eager early " +
  "easy epic fair famous fleet fluent fond frank fresh frosty gallant gentle giddy glad golden grand happy hardy " +
  "hasty hearty honest humble ideal jolly jovial keen kind lively loyal lucid lucky mellow merry mighty modest " +
  "neat nimble noble novel patient placid plucky polite proud quick quiet ready robust royal rustic sage serene " +
  "sharp silent silver simple sleek smart snug solid spry stable steady stout subtle sunny sure swift tidy " +
  "tranquil trusty upbeat urbane vivid warm wise witty young zesty";
const nouns =
  "acorn anchor anvil aspen badger barge basil beacon birch bison brook canyon cedar cliff clover comet condor " +
  "coral crane creek cypress delta dune eagle ember falcon fern finch fjord flint forge fox garnet geyser glacier " +
  "grove gull harbor hare hawk hazel heron ibis inlet iris ivy jasper juniper kestrel lagoon lark linden lotus " +
  "lynx magpie maple marlin marsh meadow mesa moss nettle oak ocean opal orbit orchid osprey otter owl pebble " +
  "pepper pine plover pond poplar prairie puffin quail quartz raven reef ridge robin rowan sable sequoia shore " +
  "sparrow spruce stork summit swan tern thistle thrush tide tundra valley violet walnut willow wren yarrow";

/** Fills a buffer with random bytes; tests pass their own. */
export type RandomSource = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;

const systemRandom: RandomSource = (bytes) => crypto.getRandomValues(bytes);

/** 64 random hex digits whose first 12 are not all decimal. */
export function randomId(random: RandomSource = systemRandom): string {
  for (;;) {
    const id = random(new Uint8Array(32)).toHex();
    if (/[a-f]/.test(id.slice(0, 12))) return id;
  }
}

/** `byteCount` random bytes as hex, for temporary names. */
export function randomHex(byteCount: number, random: RandomSource = systemRandom): string {
  return random(new Uint8Array(byteCount)).toHex();
}

/**
 * A name for a container that was given none: `adjective_noun`. The caller asks again with a higher
 * `attempt` when it is taken; from the fourth on a digit is added, as docker does.
 */
export function randomName(attempt = 0, random: RandomSource = systemRandom): string {
  const [first = 0, second = 0, third = 0] = new Uint16Array(random(new Uint8Array(6)).buffer);
  const name = `${pick(adjectives, first)}_${pick(nouns, second)}`;
  return attempt < 3 ? name : `${name}${third % 10 ** Math.min(attempt - 2, 4)}`;
}

function pick(words: string, random: number): string {
  const list = words.split(" ");
  return list[random % list.length] ?? "container";
}
