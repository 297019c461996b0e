import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../lib/core/clock.js';
import { EventBus } from '../../lib/core/event-bus.js';
import type { StreamsEvents } from '../../lib/core/events.js';
import type { Commands } from '../../lib/drivers/redis/connection/commands.js';
import { EntrySizes, REPLY_BYTES } from '../../lib/drivers/redis/held-entries/entry-sizes.js';
import { ReadWindow } from '../../lib/drivers/redis/reading/read-window.js';
import { ReplyBreaks } from '../../lib/drivers/redis/reading/reply-breaks.js';

const KEY = { key: 's', stream: 's', redriven: false };
/** This user may not ask for the limit of replies. */
const commands = { run: () => Promise.reject(new Error('no permission')) } as unknown as Commands;

let sizes: EntrySizes;
let window: ReadWindow;
let breaks: ReplyBreaks;
let told: StreamsEvents['reply-broken'][];
beforeEach(() => {
  const events = new EventBus();
  sizes = new EntrySizes();
  sizes.learn(KEY.key, 100);
  window = new ReadWindow(sizes, { now: () => 0 }, 500);
  window.restart([KEY]);
  breaks = new ReplyBreaks({ commands, events, group: 'g', sizes });
  told = [];
  events.on('reply-broken', (event) => told.push(event));
});

/** Entries that the next read asks for. */
const asked = (): number => window.next([KEY], { entries: 150, bytes: sizes.replyBytes }).count;

/** A read ends with its connection. */
async function end(partly: boolean, { ago = 0, before = 0 } = {}): Promise<void> {
  const at = systemClock.now() - ago;
  const error = new Error('Connection is closed.');
  breaks.ended({ sources: [KEY], count: asked(), at, before }, partly, error);
  await new Promise(setImmediate);
}

describe('a reply that ended its connection', () => {
  it('makes the next request ask for half as many entries at most, and for half the bytes', async () => {
    expect(asked()).toBe(150);
    await end(true);
    expect(asked()).toBeLessThanOrEqual(75);
    expect(sizes.replyBytes).toBe(REPLY_BYTES / 2);
    await end(true);
    expect(asked()).toBeLessThanOrEqual(37);
    expect(sizes.replyBytes).toBe(REPLY_BYTES / 4);
    expect(told).toMatchObject([{ streams: ['s'], entries: 150 }, {}]);
  });

  it('asks for one entry at least, however often that happens', async () => {
    for (let ends = 0; ends < 20; ends++) await end(true);
    expect(asked()).toBe(1);
  });

  it('is told of where no part of it had arrived, once that has happened twice in a row', async () => {
    await end(false);
    expect(told).toEqual([]);
    expect(asked()).toBeLessThanOrEqual(75);
    await end(false);
    expect(told).toHaveLength(1);
  });
});

it('a read that had waited for long when its connection ended was not ended by its reply', async () => {
  await end(false, { ago: 2000 });
  expect([asked(), sizes.replyBytes, told]).toEqual([150, REPLY_BYTES, []]);
});
