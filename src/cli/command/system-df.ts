import type { CachedItem } from "../../engine/build-cache.ts";
import {
  type ContainerUsage,
  type DiskUsageReport,
  type ImageUsage,
  loadDiskUsage,
  type UsageTotal,
  type VolumeUsage,
} from "../../engine/disk-usage.ts";
import { nowMs } from "../../host/clock.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { renderAgo, renderCommand, renderStatus } from "../container-text.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { renderExactSize, renderSize, renderTable, shortId } from "../table.ts";

const titles = {
  Type: "TYPE",
  TotalCount: "TOTAL",
  Active: "ACTIVE",
  Size: "SIZE",
  Reclaimable: "RECLAIMABLE",
} as const;
const imageTitles = {
  Repository: "REPOSITORY",
  Tag: "TAG",
  ID: "IMAGE ID",
  CreatedSince: "CREATED",
  Size: "SIZE",
  SharedSize: "SHARED SIZE",
  UniqueSize: "UNIQUE SIZE",
  Containers: "CONTAINERS",
} as const;
const containerTitles = {
  ID: "CONTAINER ID",
  Image: "IMAGE",
  Command: "COMMAND",
  LocalVolumes: "LOCAL VOLUMES",
  Size: "SIZE",
  RunningFor: "CREATED",
  Status: "STATUS",
  Names: "NAMES",
} as const;
const volumeTitles = { Name: "VOLUME NAME", Links: "LINKS", Size: "SIZE" } as const;
const cacheTitles = {
  ID: "CACHE ID",
  CacheType: "CACHE TYPE",
  Size: "SIZE",
  CreatedSince: "CREATED",
  LastUsedSince: "LAST USED",
  UsageCount: "USAGE",
  Shared: "SHARED",
} as const;

/** `bocker system df`: what is on the disk, and what a prune would bring. */
export const command: CommandSpec = {
  name: "system df",
  summary: "Show bocker disk usage",
  usage: "[OPTIONS]",
  options: [
    { name: "format", kind: "string", help: "Format output: 'table', 'json', or a Go template" },
    { name: "verbose", short: "v", kind: "boolean", help: "Show detailed information on space usage" },
  ],
  example: "bocker system df -v",
  maxArguments: 0,
  run: showUsage,
};

async function showUsage(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const report = await loadDiskUsage(await openEngineFor(context));
  const format = parsed.string("format");
  const isPlain = format === undefined || format === "table";
  const render = async () => (await import("../format.ts")).parseFormat(format ?? "", { headers: titles });
  if (parsed.boolean("verbose")) {
    const parts = detailsOf(report);
    context.out.write(
      isPlain ? renderDetails(parts, report.buildCache.bytes) : `${(await render()).render(parts)}\n`,
    );
  } else {
    const rows = totalsOf(report);
    context.out.write(isPlain ? tableOf(titles, rows) : (await render()).renderRows(rows));
  }
  return 0;
}

function totalsOf({ images, containers, volumes, buildCache }: DiskUsageReport) {
  const row = (type: string, { total, active, bytes, reclaimableBytes }: UsageTotal) => ({
    Active: String(active),
    Reclaimable: reclaimable(bytes, reclaimableBytes),
    Size: renderExactSize(bytes),
    TotalCount: String(total),
    Type: type,
  });
  return [
    row("Images", images),
    row("Containers", containers),
    row("Local Volumes", volumes),
    { ...row("Build Cache", buildCache), Reclaimable: renderExactSize(buildCache.reclaimableBytes) },
  ];
}

function reclaimable(bytes: number, reclaimableBytes: number): string {
  if (bytes === 0) return renderExactSize(reclaimableBytes);
  return `${renderExactSize(reclaimableBytes)} (${Math.trunc((reclaimableBytes * 100) / bytes)}%)`;
}

function detailsOf({ images, containers, volumes, buildCache }: DiskUsageReport) {
  const now = nowMs();
  return {
    Images: images.items.map((item) => imageCells(item, now)),
    Containers: containers.items.map((item) => containerCells(item, now)),
    Volumes: volumes.items.map(volumeCells),
    BuildCache: buildCache.items.map((item) => cacheCells(item, now)),
  };
}

function cacheCells(item: CachedItem, now: number) {
  return {
    ID: item.id.slice(0, 12),
    CacheType: item.kind === "layer" ? "regular" : "exec.cachemount",
    Size: renderExactSize(item.bytes),
    CreatedSince: renderAgo(item.createdAtMs, now),
    LastUsedSince: renderAgo(item.usedAtMs, now),
    UsageCount: String(item.uses),
    Shared: String(item.isShared),
    Description: item.description,
  };
}

function imageCells({ row, sharedBytes, uniqueBytes, containers }: ImageUsage, now: number) {
  const { image, repository, tag } = row;
  return {
    Repository: repository,
    Tag: tag,
    ID: shortId(image.id),
    CreatedSince: image.createdAtMs === 0 ? "N/A" : renderAgo(image.createdAtMs, now),
    Size: renderSize(image.sizeBytes),
    SharedSize: renderExactSize(sharedBytes),
    UniqueSize: renderExactSize(uniqueBytes),
    Containers: String(containers),
  };
}

function containerCells({ record, bytes }: ContainerUsage, now: number) {
  const volumes = record.config.mounts.filter(({ type }) => type === "volume");
  const named = volumes.filter((mount) => "name" in mount).length;
  return {
    ID: shortId(record.id),
    Image: record.imageName,
    Command: renderCommand(record.args, false),
    LocalVolumes: String(named + record.anonymousVolumes.length),
    Size: renderExactSize(bytes),
    RunningFor: renderAgo(record.createdAtMs, now),
    Status: renderStatus(record, now),
    Names: record.name,
  };
}

function volumeCells({ volume, links, bytes }: VolumeUsage) {
  return { Name: volume.name, Links: String(links), Size: renderExactSize(bytes) };
}

function renderDetails(
  { Images, Containers, Volumes, BuildCache }: ReturnType<typeof detailsOf>,
  cacheBytes: number,
): string {
  return [
    `Images space usage:\n\n${tableOf(imageTitles, Images)}`,
    `Containers space usage:\n\n${tableOf(containerTitles, Containers)}`,
    `Local Volumes space usage:\n\n${tableOf(volumeTitles, Volumes)}`,
    `Build cache usage: ${renderExactSize(cacheBytes)}\n\n${tableOf(cacheTitles, BuildCache)}`,
  ].join("\n");
}

/** A column for each title, in the titles' order. */
function tableOf<Key extends string>(
  header: Readonly<Record<Key, string>>,
  rows: readonly Readonly<Record<NoInfer<Key>, string>>[],
): string {
  const keys = Object.keys(header) as Key[];
  return renderTable(
    keys.map((key) => header[key]),
    rows.map((row) => keys.map((key) => row[key])),
  );
}
