import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Commands } from '../connection/commands.js';

/** Between two tries, ms, and how many there are: the command may be on its way yet. */
const AGAIN = 10;
const TRIES = 50;

export interface Blocked {
  readonly commands: Commands;
  /** Says which node of a cluster it is at. */
  readonly key: string;
  readonly client: Redis | undefined;
  /** Id of its connection at the server, where that is known. */
  readonly id: number | undefined;
  readonly hasEnded: () => boolean;
}

/** Ends a command that blocks; where that cannot be done, its connection ends. */
export async function unblock({ commands, key, client, id, hasEnded }: Blocked): Promise<void> {
  try {
    for (let tries = 0; tries < TRIES && !hasEnded(); tries++) {
      if (id === undefined) break;
      const woken = await commands.run(
        'waking a reader',
        (other) => other.client('UNBLOCK', id),
        key,
      );
      if (woken !== 0) return;
      await pause(AGAIN);
    }
  } catch {
    // Without the right to unblock, or a connection.
  }
  if (!hasEnded()) client?.stream.destroy();
}
