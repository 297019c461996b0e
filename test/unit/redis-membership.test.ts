import { describe, expect, it } from 'vitest';
import { ServerOutOfMemoryError } from '../../lib/core/errors/server.errors.js';
import { EventBus } from '../../lib/core/event-bus.js';
import type { Announcement } from '../../lib/ports/live-consumers.js';
import type { Commands } from '../../lib/drivers/redis/connection/commands.js';
import { Keys } from '../../lib/drivers/redis/keys/keys.js';
import { Announcements, type Said } from '../../lib/drivers/redis/live-consumers/announcements.js';
import type { HandedHints } from '../../lib/drivers/redis/live-consumers/handed-hints.js';
import { RedisMembership } from '../../lib/drivers/redis/live-consumers/redis.membership.js';
import { standIn } from '../support/stand-in.js';

const announced = {
  stream: 's',
  events: ['*'],
  options: { idleTimeout: 1000, maxDeliveries: 5, ordered: false },
};
const announcement: Announcement = {
  group: 'g',
  consumer: 'c',
  instance: 'i',
  process: { host: 'h', pid: 1, application: 'a', version: '1' },
  streams: [announced],
  timeToLive: 1000,
};

/** A consumer whose server answers all commands so. */
function membership(run: () => Promise<never>): RedisMembership {
  const commands = standIn<Commands>({ run, topology: undefined });
  const keys = new Keys('');
  const said: Said = { announced, state: 'live' };
  const handed = standIn<HandedHints>({ listen: () => async () => undefined });
  const announcements = new Announcements(commands, keys, announcement);
  const options = { commands, keys, handed, events: new EventBus(), announcements, announcement };
  return new RedisMembership({ ...options, consumer: 'c', namesake: undefined }, [said]);
}

describe('a refresh', () => {
  it('that the server has no memory for is refused', async () => {
    const error = new ServerOutOfMemoryError('refreshing', new Error('OOM command not allowed'));
    expect(await membership(() => Promise.reject(error)).refresh()).toBe('refused');
  });

  it('that fails otherwise is told', async () => {
    const error = new Error('gone');
    await expect(membership(() => Promise.reject(error)).refresh()).rejects.toBe(error);
  });
});
