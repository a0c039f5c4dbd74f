/**
 * The open state database: pragmas, migrations, transactions. What the tables mean is in the files beside it.
 *
 * WAL, because readers then never wait for a writer. synchronous=NORMAL: a commit is not fsynced, so a power cut
 * may take the last few, never the consistency (sqlite.org/pragma.html#pragma_synchronous); what they say is
 * about processes that died with the power, and the files of an image are durable before its row is written. A killed
 * process loses nothing. Every writing transaction is BEGIN IMMEDIATE: one that began as a reader cannot wait
 * its turn and fails with SQLITE_BUSY.
 */
import { Database, SQLiteError, type SQLQueryBindings } from "bun:sqlite";
import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { BockerError, messageOf } from "../errors.ts";
import { lockFile } from "../host/lock-file.ts";
import { keepReserve, releaseReserve } from "./disk-reserve.ts";
import { migrations } from "./schema.ts";

/** The log of a process that ended without closing is read by the next one alone: kept short, that costs nothing. */
const checkpointPages = 256;
/** As long as two hundred processes that all start at once may have to queue. */
const busyTimeoutMs = 60_000;

export type Binding = string | number | null;
/** A row as SQLite gives it: nothing about it is trusted before row.ts has looked. */
export type Row = Readonly<Record<string, unknown>>;

const rehearsalOver = new Error("the rehearsal is over");

/** The database; passed to every function of this folder. */
export class State implements Disposable {
  readonly #database: Database;
  readonly path: string;
  #depth = 0;

  constructor(database: Database, path: string) {
    this.#database = database;
    this.path = path;
  }

  /** Every row of a query. Statements are prepared once. */
  all(sql: string, ...bindings: Binding[]): Row[] {
    return this.#database.query<Row, SQLQueryBindings[]>(sql).all(...bindings);
  }

  /** The first row of a query. */
  first(sql: string, ...bindings: Binding[]): Row | undefined {
    return this.#database.query<Row, SQLQueryBindings[]>(sql).get(...bindings) ?? undefined;
  }

  /** Runs one statement; gives the number of rows it changed. */
  run(sql: string, ...bindings: Binding[]): number {
    const change = () => this.#database.query(sql).run(...bindings).changes;
    return this.#depth > 0 ? change() : this.#write(change);
  }

  /**
   * Changes whenever this process or another may have changed something: what was read before it can be kept while it
   * is the same. Costs microseconds; not to be called inside a transaction.
   */
  changeStamp(): string {
    const others = this.first("PRAGMA data_version")?.data_version;
    return `${others} ${this.first("SELECT total_changes() AS own")?.own}`;
  }

  /**
   * Runs `change` as one transaction that is either there whole or not at all. Joins the transaction that is
   * already open, if there is one. Must not await: other code of this process would get into the transaction. May
   * be called a second time, when the first try found the disk full.
   */
  transaction<Result>(change: () => Result): Result {
    return this.#depth > 0 ? change() : this.#write(() => this.#transact(change));
  }

  #transact<Result>(change: () => Result): Result {
    this.#database.run("BEGIN IMMEDIATE");
    this.#depth++;
    try {
      const result = change();
      this.#database.run("COMMIT");
      return result;
    } catch (error) {
      // After some errors (disk full) SQLite has rolled back by itself.
      if (this.#database.inTransaction) this.#database.run("ROLLBACK");
      throw error;
    } finally {
      this.#depth--;
    }
  }

  /**
   * Runs `change` and takes it all back: for plans that show what would be written. Not inside a transaction. When
   * `change` throws, so does this.
   */
  rehearse<Result>(change: () => Result): Result {
    let result: { readonly value: Result } | undefined;
    try {
      this.transaction(() => {
        result = { value: change() };
        throw rehearsalOver;
      });
    } catch (error) {
      if (error !== rehearsalOver || result === undefined) throw error;
      return result.value;
    }
    throw new Error("a rehearsal was committed");
  }

  /**
   * On a full disk the reserve is given up for one more try. What is wrong with the disk then is said with the file's
   * name; the rest is the caller's to understand.
   */
  #write<Result>(action: () => Result): Result {
    try {
      try {
        return action();
      } catch (error) {
        if (!isDiskFull(error) || !releaseReserve(this.path)) throw error;
        return action();
      }
    } catch (error) {
      throw explainWrite(error, this.path);
    }
  }

  /**
   * Closes the database. A command that is about to exit need not: closing the last connection copies the WAL
   * into the database and waits for the disk, and the WAL is as good a place.
   */
  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Opens the state database, making or upgrading it first when needed. The folder is root's alone. */
export function openState(paths: { readonly database: string }): State {
  try {
    return open(paths.database);
  } catch (error) {
    throw explain(error, paths.database);
  }
}

/** Whether an error is the violation of a UNIQUE or PRIMARY KEY constraint. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof SQLiteError && (error.errno === 2067 || error.errno === 1555);
}

function open(path: string): State {
  const database = openDatabase(path);
  try {
    database.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    if (schemaVersion(database) !== migrations.length) migrateLocked(database, path);
    database.run("PRAGMA synchronous = NORMAL");
    database.run("PRAGMA foreign_keys = ON");
    database.run(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
    keepReserve(path);
    return new State(database, path);
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * SQLite opens for reading what it cannot open for writing: a file that another process makes between these two tries of
 * one that has found none would stay read-only. So it never looks for a file that may be missing.
 */
function openDatabase(path: string): Database {
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // Environments hold secrets. SQLite would make the file readable for all; the log beside it takes the same mode.
    closeSync(openSync(path, "a", 0o600));
  }
  return new Database(path, { readwrite: true, create: false });
}

function schemaVersion(database: Database): number {
  const row = database.query<{ user_version: number }, []>("PRAGMA user_version").get();
  return row?.user_version ?? 0;
}

/** Under a file lock, since switching to WAL does not wait for other connections as a transaction would. */
function migrateLocked(database: Database, path: string): void {
  using _lock = lockFile(`${path}.lock`);
  const version = schemaVersion(database);
  if (version > migrations.length) throw newerSchema(path, version);
  if (version === migrations.length) return;
  database.run("PRAGMA journal_mode = WAL");
  database.run("BEGIN IMMEDIATE");
  for (const migration of migrations.slice(version)) database.run(migration);
  database.run(`PRAGMA user_version = ${migrations.length}`);
  database.run("COMMIT");
}

function newerSchema(path: string, version: number): BockerError {
  return new BockerError(
    `cannot open "${path}": its schema version ${version} is newer than this bocker knows (${migrations.length})`,
    { kind: "unsupported", hint: "use the newer bocker that wrote it" },
  );
}

const corruptCodes = ["SQLITE_NOTADB", "SQLITE_CORRUPT"];

function explain(error: unknown, path: string): unknown {
  if (error instanceof BockerError) return error;
  const code = error instanceof SQLiteError ? error.code : undefined;
  if (code !== undefined && corruptCodes.some((known) => code.startsWith(known))) {
    return new BockerError(`cannot open "${path}": it is damaged: ${messageOf(error)}`, {
      kind: "corrupt",
      hint: "move it away: layers and volumes are files beside it and stay",
      cause: error,
    });
  }
  const hint = isPermission(error, code) ? { hint: "run as root", kind: "permission" as const } : {};
  return new BockerError(`cannot open "${path}": ${messageOf(error)}`, {
    kind: "host",
    cause: error,
    ...hint,
  });
}

/** By the beginning of SQLite's code (sqlite.org/rescode.html). */
const diskHints: Readonly<Record<string, string>> = {
  SQLITE_FULL: "free some space on its file system",
  SQLITE_READONLY: "its file system is mounted read-only",
  SQLITE_IOERR: "look into the kernel log for errors of the disk",
};

function isDiskFull(error: unknown): boolean {
  return error instanceof SQLiteError && error.code?.startsWith("SQLITE_FULL") === true;
}

function explainWrite(error: unknown, path: string): unknown {
  if (!(error instanceof SQLiteError)) return error;
  const code = Object.keys(diskHints).find((known) => error.code?.startsWith(known));
  const hint = code === undefined ? undefined : diskHints[code];
  if (hint === undefined) return error;
  return new BockerError(`cannot write "${path}": ${error.message}`, { kind: "host", hint, cause: error });
}

function isPermission(error: unknown, code: string | undefined): boolean {
  return (
    code === "SQLITE_READONLY" || messageOf(error).includes("EACCES") || messageOf(error).includes("denied")
  );
}
