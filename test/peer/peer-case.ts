/** A script that every engine must answer alike. */
export interface PeerCase {
  readonly name: string;
  /**
   * For sh: `e` is the engine, `run` and `create` its commands with the flags a machine needs, `$I` the image. Its standard
   * output is the answer; messages count where the script sends them there.
   */
  readonly script: string;
  /** Why docker's answer is shown only: mostly a docker too old, or one that lacks a privilege on this machine. */
  readonly docker?: string;
  /** podman answers otherwise than docker: its answer is shown only. */
  readonly podman?: "differs";
}
