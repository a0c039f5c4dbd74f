/**
 * Ending a command in a container with all that it has started: its session, and who descends from that.
 *
 * Every exec has a session of its own (setsid in its plan). What has left both session and parents behind, as daemons do,
 * is no longer told from the container's other processes, and stays.
 */
import { type ProcessIdentity, readProcessIdentity, readProcessStat } from "../host/process-identity.ts";
import { signalProcess } from "../runtime/signal-process.ts";

const SIGKILL = 9;
const SIGSTOP = 19;
/** Each round finds what was forked during the one before. */
const mostRounds = 20;

/**
 * Kills the session that `leader` leads. All of it is stopped first: who descends from whom can be told only while
 * the parents are there. `listPids`: the processes of its container, as the host numbers them.
 */
export function killSession(leader: ProcessIdentity, listPids: () => readonly number[]): void {
  const members = new Map([[leader.pid, leader]]);
  signalProcess(leader, SIGSTOP);
  for (let round = 0; round < mostRounds; round++) {
    const found = membersOf(leader.pid, listPids()).filter(({ pid }) => !members.has(pid));
    if (found.length === 0) break;
    for (const member of found) {
      members.set(member.pid, member);
      signalProcess(member, SIGSTOP);
    }
  }
  for (const member of members.values()) signalProcess(member, SIGKILL);
}

function membersOf(leaderPid: number, pids: readonly number[]): readonly ProcessIdentity[] {
  const parents = new Map<number, number>();
  const members = new Set([leaderPid]);
  for (const pid of pids) {
    const stat = readProcessStat(pid);
    if (stat === undefined) continue;
    parents.set(pid, stat.parentPid);
    if (stat.session === leaderPid) members.add(pid);
  }
  const isMember = (pid: number, depth = 0): boolean => {
    const parent = parents.get(pid);
    return members.has(pid) || (parent !== undefined && depth < pids.length && isMember(parent, depth + 1));
  };
  return pids.filter((pid) => isMember(pid)).flatMap((pid) => readProcessIdentity(pid) ?? []);
}
