import { hostname } from 'node:os';

/** The process that a consumer belongs to. */
export interface ConsumerProcess {
  readonly host: string;
  readonly pid: number;
  /** Name of the application, where it is known: from its package.json, or an option. */
  readonly application: string | undefined;
  /** Version of this library. */
  readonly version: string;
}

/**
 * Whether the process of an earlier consumer is known to have ended: it ran on this host, and there is
 * no such process any more. A process of our own pid is an earlier one (in a container each has the
 * same), unless that consumer lives in this process.
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
