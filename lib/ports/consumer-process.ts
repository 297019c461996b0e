import { hostname } from 'node:os';

/** The process in which a consumer runs. */
export interface ConsumerProcess {
  readonly host: string;
  readonly pid: number;
  /**
   * Name of the application: from an option or its package.json. Undefined where neither gives it.
   */
  readonly application: string | undefined;
  /** Version of this library. */
  readonly version: string;
}

/**
 * Whether the process of an earlier consumer has ended: it ran on this host, and no such process
 * exists any more. A process with the pid of this process is an earlier one, unless that consumer
 * lives in this process: in a container each process has the same pid.
 */
export function isProcessGone(
  { host, pid }: Pick<ConsumerProcess, 'host' | 'pid'>,
  livesHere: boolean,
): boolean {
  if (host !== hostname()) return false;
  return pid === process.pid ? !livesHere : !exists(pid);
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user exists, too.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
