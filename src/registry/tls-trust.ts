/**
 * Whose certificates are believed: the system's bundle, Bun's own where there is none (an initramfs), and what the
 * user added for one host. Read once per host and process.
 *
 * Layout of the folders: https://docs.docker.com/engine/security/certificates/ (HOST[:PORT]/*.crt, *.cert + *.key).
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BockerError, messageOf } from "../errors.ts";
import type { RegistrySettings } from "./registry-settings.ts";

export interface TlsTrust {
  /** PEM texts; absent: Bun's own authorities. */
  readonly ca?: string[];
  /** A client certificate and its key, PEM. */
  readonly cert?: string;
  readonly key?: string;
}

const systemBundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** Reads what a TLS connection to `host` (with port) trusts. Throws when a file that the user named can't be read. */
export async function loadTlsTrust(host: string, settings: RegistrySettings): Promise<TlsTrust> {
  const named = (settings.authorities[host] ?? []).map((path) => readNamed(path, host));
  const folders = settings.certificateFolders.map((folder) => readCertificateFolder(join(folder, host)));
  const added = [...named, ...folders.flatMap((folder) => folder.authorities)];
  const client = folders.find((folder) => folder.client !== undefined)?.client;
  const system = readSystemBundle();
  if (system === undefined && added.length === 0) return { ...client };
  const roots = system === undefined ? (await import("node:tls")).rootCertificates : [system];
  return { ca: [...roots, ...added], ...client };
}

function readSystemBundle(): string | undefined {
  const chosen = process.env.SSL_CERT_FILE;
  for (const path of chosen ? [chosen] : systemBundles) {
    const text = tryRead(path);
    if (text?.includes("-----BEGIN")) return text;
  }
  return undefined;
}

interface CertificateFolder {
  readonly authorities: readonly string[];
  readonly client?: { readonly cert: string; readonly key: string };
}

function readCertificateFolder(folder: string): CertificateFolder {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch {
    return { authorities: [] };
  }
  const read = (name: string) => readNamed(join(folder, name), folder);
  const authorities = names.filter((name) => name.endsWith(".crt")).map(read);
  const certName = names.find((name) => name.endsWith(".cert"));
  if (certName === undefined) return { authorities };
  return { authorities, client: { cert: read(certName), key: read(certName.replace(/cert$/, "key")) } };
}

function readNamed(path: string, owner: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new BockerError(`cannot read certificate "${path}" for ${owner}: ${messageOf(error)}`, {
      kind: "host",
      cause: error,
    });
  }
}

function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
