/**
 * The schema, as the list of migrations that made it: `PRAGMA user_version` is how many have been applied.
 *
 * Never edit a migration that was released; append one. Names, addresses and ports are unique by constraint, so
 * that no two processes can be given the same, whatever they read before. JSON columns hold what is only ever
 * read and written whole.
 */

/** Each runs once, in order, inside one transaction with the others that are missing. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE images (
    id TEXT PRIMARY KEY,
    manifest_digest TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    layers TEXT NOT NULL CHECK (json_valid(layers)),
    os TEXT NOT NULL,
    architecture TEXT NOT NULL
  ) STRICT;

  CREATE TABLE tags (
    reference TEXT PRIMARY KEY,
    image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    updated_at_ms INTEGER NOT NULL,
    repo_digest TEXT
  ) STRICT;
  CREATE INDEX tags_by_image ON tags (image_id);

  CREATE TABLE containers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at_ms INTEGER NOT NULL,
    config TEXT NOT NULL CHECK (json_valid(config)),
    image_id TEXT NOT NULL,
    image_name TEXT NOT NULL,
    args TEXT NOT NULL CHECK (json_valid(args)),
    status TEXT NOT NULL,
    init TEXT CHECK (init IS NULL OR json_valid(init)),
    monitor TEXT CHECK (monitor IS NULL OR json_valid(monitor)),
    started_at_ms INTEGER,
    finished_at_ms INTEGER,
    exit_code INTEGER NOT NULL,
    oom_killed INTEGER NOT NULL,
    error TEXT NOT NULL,
    restart_count INTEGER NOT NULL,
    anonymous_volumes TEXT NOT NULL CHECK (json_valid(anonymous_volumes))
  ) STRICT;
  CREATE INDEX containers_by_image ON containers (image_id);

  CREATE TABLE networks (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    driver TEXT NOT NULL,
    bridge TEXT NOT NULL UNIQUE,
    subnet TEXT NOT NULL UNIQUE,
    gateway TEXT NOT NULL,
    internal INTEGER NOT NULL,
    mtu INTEGER NOT NULL,
    labels TEXT NOT NULL CHECK (json_valid(labels)),
    created_at_ms INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE leases (
    network_id TEXT NOT NULL REFERENCES networks (id),
    container_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    mac_address TEXT NOT NULL,
    host_interface TEXT NOT NULL UNIQUE,
    container_interface TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    PRIMARY KEY (network_id, address),
    UNIQUE (container_id, container_interface)
  ) STRICT;

  CREATE TABLE ports (
    protocol TEXT NOT NULL,
    host_port INTEGER NOT NULL,
    host_ip TEXT NOT NULL,
    container_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
    container_ip TEXT NOT NULL,
    container_port INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    PRIMARY KEY (protocol, host_port, host_ip)
  ) STRICT;
  CREATE INDEX ports_by_container ON ports (container_id);

  CREATE TABLE volumes (
    name TEXT PRIMARY KEY,
    driver TEXT NOT NULL,
    labels TEXT NOT NULL CHECK (json_valid(labels)),
    anonymous INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    mountpoint TEXT NOT NULL
  ) STRICT;

  CREATE TABLE container_volumes (
    container_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
    volume_name TEXT NOT NULL,
    PRIMARY KEY (container_id, volume_name)
  ) STRICT;
  CREATE INDEX container_volumes_by_volume ON container_volumes (volume_name);

  CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ms INTEGER NOT NULL,
    type TEXT NOT NULL,
    action TEXT NOT NULL,
    id TEXT NOT NULL,
    attributes TEXT NOT NULL CHECK (json_valid(attributes))
  ) STRICT;
  `,
  // docker's HasBeenManuallyStopped ("stop"), or a stop that a start follows ("restart"); and the back-off's last pause.
  `
  ALTER TABLE containers ADD COLUMN stop_intent TEXT;
  ALTER TABLE containers ADD COLUMN restart_delay_ms INTEGER;
  `,
  `
  ALTER TABLE volumes ADD COLUMN options TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(options));
  `,
  // Absent: the container has no health check.
  `
  ALTER TABLE containers ADD COLUMN health TEXT CHECK (health IS NULL OR json_valid(health));
  `,
  // Pools with ranges and reserved addresses, IPv6, and names in a network.
  `
  ALTER TABLE networks ADD COLUMN ip_range TEXT;
  ALTER TABLE networks ADD COLUMN aux_addresses TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(aux_addresses));
  ALTER TABLE networks ADD COLUMN ipv6 TEXT CHECK (ipv6 IS NULL OR json_valid(ipv6));
  ALTER TABLE networks ADD COLUMN attachable INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE networks ADD COLUMN options TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(options));
  ALTER TABLE leases ADD COLUMN endpoint_id TEXT NOT NULL DEFAULT '';
  ALTER TABLE leases ADD COLUMN address6 TEXT;
  ALTER TABLE leases ADD COLUMN aliases TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(aliases));
  ALTER TABLE leases ADD COLUMN gateway_priority INTEGER NOT NULL DEFAULT 0;
  CREATE UNIQUE INDEX leases_by_address6 ON leases (network_id, address6);
  `,
  // A secret's value is a file. container_images: what a container mounts beside the image it was made from.
  `
  CREATE TABLE secrets (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    labels TEXT NOT NULL CHECK (json_valid(labels))
  ) STRICT;

  CREATE TABLE container_images (
    container_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
    image_id TEXT NOT NULL,
    PRIMARY KEY (container_id, image_id)
  ) STRICT;
  CREATE INDEX container_images_by_image ON container_images (image_id);
  `,
  // Whether the user chose the subnet: only then docker gives fixed addresses in it.
  `
  ALTER TABLE networks ADD COLUMN has_own_subnet INTEGER NOT NULL DEFAULT 0;
  `,
  // Further processes of a container, while their parents watch them.
  `
  CREATE TABLE execs (
    id TEXT PRIMARY KEY,
    container_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
    process TEXT NOT NULL CHECK (json_valid(process))
  ) STRICT;
  CREATE INDEX execs_by_container ON execs (container_id);
  `,
  // What `portmap forward` has added.
  `
  CREATE TABLE port_maps (
    protocol TEXT NOT NULL,
    host_ip TEXT NOT NULL,
    host_port INTEGER NOT NULL,
    target TEXT NOT NULL,
    target_port INTEGER NOT NULL,
    UNIQUE (protocol, host_ip, host_port, target, target_port)
  ) STRICT;
  `,
  // A build's containers are no user's; and what its steps have made, by all that they depended on.
  `
  ALTER TABLE containers ADD COLUMN purpose TEXT;

  CREATE TABLE build_cache (
    key TEXT PRIMARY KEY,
    diff_id TEXT NOT NULL,
    descriptor TEXT NOT NULL CHECK (json_valid(descriptor)),
    description TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    used_at_ms INTEGER NOT NULL,
    uses INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX build_cache_by_layer ON build_cache (diff_id);
  `,
  // Asked for by every listing of containers.
  `
  CREATE INDEX containers_of_builds ON containers (id) WHERE purpose = 'build';
  `,
];
