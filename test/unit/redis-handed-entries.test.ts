import { expect, it, vi } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { Commands } from '../../lib/drivers/redis/connection/commands.js';
import type { ReadKey } from '../../lib/drivers/redis/held-entries/redis.lease.js';
import { Keys } from '../../lib/drivers/redis/keys/keys.js';
import { HandedEntries } from '../../lib/drivers/redis/live-consumers/handed-entries.js';
import { HandedHints } from '../../lib/drivers/redis/live-consumers/handed-hints.js';
import { standIn } from '../support/stand-in.js';

it.each([
  { of: 'the stream', kind: 's', redriven: false },
  { of: 'its redriven messages', kind: 'r', redriven: true },
] as const)(
  'entries of $of that come when the stream is left alone are held all the same: no list has them any more',
  async ({ kind, redriven }) => {
    const source: ReadKey = { key: 'orders', stream: 'orders', redriven: false };
    let watched: ReadKey | undefined = source;
    const taken = [{ kind, id: '1-0', count: 0 }];
    let answer!: (reply: object) => void;
    const reply = new Promise<object>((resolve) => (answer = resolve));
    let heard!: (stream: string) => void;
    const hold = vi.fn<(source: ReadKey, entries: readonly unknown[]) => Promise<void>>(
      async () => {},
    );
    const handed = standIn<HandedHints>({
      follow: (_group, _consumer, onHanded) => {
        heard = onHanded;
        return () => {};
      },
    });
    const entries = new HandedEntries({
      commands: standIn<Commands>({ run: () => reply as never }),
      keys: new Keys(''),
      events: new EventBus(),
      group: 'g',
      consumer: 'c',
      capacity: () => 1,
      readKeys: () => [],
      find: () => watched,
      redrivenOf: ({ stream }) => ({ key: 'redriven', stream, redriven: true }),
      hold,
      handed,
    });
    heard('orders');
    watched = undefined;
    answer({ waiting: 0, taken });
    await entries.stop();
    expect(hold).toHaveBeenCalledExactlyOnceWith(
      { key: redriven ? 'redriven' : 'orders', stream: 'orders', redriven },
      taken,
    );
  },
);
