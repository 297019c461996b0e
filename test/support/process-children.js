// @ts-check
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/**
 * The processes that a process has started and that run.
 *
 * @param {number} parent
 * @returns {number[]}
 */
export function childrenOf(parent) {
  return processes()
    .filter(({ ppid, state }) => ppid === parent && !state.startsWith('Z'))
    .map(({ pid }) => pid);
}

/**
 * Whether a process runs. One that has ended and that its parent has not asked about does not.
 *
 * @param {number} pid
 */
export function runs(pid) {
  return processes().some((process) => process.pid === pid && !process.state.startsWith('Z'));
}

/**
 * Whether all threads of a process have heard a SIGSTOP: those of another core may take a moment.
 *
 * @param {number} pid
 */
export function isStopped(pid) {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return processes().some((it) => it.pid === pid && it.state[0] === 'T');
  return readdirSync(tasks).every((id) => /\) T/.test(statOf(`${pid}/task/${id}`) ?? ') T'));
}

/** All processes of the machine: from /proc where there is one, because small images have no `ps`. */
function processes() {
  return existsSync('/proc/self/stat') ? ofProc() : ofPs();
}

function ofProc() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const text = statOf(name);
      if (text === undefined) return [];
      // The name of the program stands in brackets before, and may hold anything.
      const [state = '', ppid] = text.slice(text.lastIndexOf(')') + 2).split(' ');
      return [{ pid: Number(name), ppid: Number(ppid), state }];
    });
}

/** @param {string} pid */
function statOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // it has ended meanwhile
  }
}

function ofPs() {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' });
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, ppid, state = '']) => ({ pid: Number(pid), ppid: Number(ppid), state }));
}
