/**
 * The ports that an image and a container's config name, and those of them that are to be published. Pure.
 */
import type { ContainerConfig, PortConfig } from "../config/container-config.ts";
import { parseExposedPorts } from "../config/port-spec.ts";
import type { ImageProcessConfig } from "../image/image-config.ts";

/** With `-P`, every exposed port that no `-p` names is among the ports, at a host port of the engine's choice. */
export function withPublishedPorts<Container extends { readonly config: ContainerConfig }>(
  container: Container,
  image: Pick<ImageProcessConfig, "ExposedPorts">,
): Container {
  const { config } = container;
  if (config.publishAll !== true) return container;
  const named = new Set(config.ports.map(keyOf));
  const others = exposedPorts(config, image).filter((port) => !named.has(keyOf(port)));
  const chosen = others.map((port) => ({ ...port, hostPort: 0 }));
  return { ...container, config: { ...config, ports: [...config.ports, ...chosen] } };
}

/** What the image and `--expose` name, each once. Words of an image that make no sense are left out. */
export function exposedPorts(
  { expose = [] }: Pick<ContainerConfig, "expose">,
  { ExposedPorts = {} }: Pick<ImageProcessConfig, "ExposedPorts">,
): readonly ExposedPort[] {
  const ports = [...Object.keys(ExposedPorts).flatMap(readExposed), ...expose.flatMap(parseExposedPorts)];
  return [...new Map(ports.map((port) => [keyOf(port), port])).values()];
}

type ExposedPort = Pick<PortConfig, "containerPort" | "protocol">;

function readExposed(text: string): readonly ExposedPort[] {
  try {
    return parseExposedPorts(text);
  } catch {
    return [];
  }
}

function keyOf({ containerPort, protocol }: ExposedPort): string {
  return `${containerPort}/${protocol}`;
}
