import { afterEach, describe, expect, it } from 'vitest';
import { needsOwnKafka } from '../support/kafka.js';
import { until } from '../support/until.js';
import { Fates, storedNumbers } from './support/fates.js';
import { KafkaScene } from './support/kafka-scene.js';
import type { Note } from './support/ledger.js';
import type { WorkerProcess } from './support/worker-process.js';
import type { Payload } from './support/worker-scene.js';

const PARTITIONS = 6;
const KEYS = 30;
const COUNT = 1200;
/** From this one on there is a long run for each key. */
const LONG_AT = 10 * KEYS;
const LONG = 2000;
/** Of so many messages one fails in its first run, and holds up those behind it of its key. */
const FAILING = 37;
const IN_ORDER = {
  handler: { orderBy: 'key' },
  work: 4,
  maxDeliveries: 100,
  backoff: { delay: 20, maxDelay: 100 },
};
/** Changes of a topic are seen soon. */
const SEES_CHANGES = { metadataMaxAge: 300 };

let scene: KafkaScene;

describe('a group of Kafka under load', needsOwnKafka(), () => {
  afterEach(() => scene.close());

  it(
    'goes on in order where one of three members is killed and one is frozen',
    { timeout: 60_000 },
    async () => {
      scene = await KafkaScene.open();
      const members = await Promise.all(
        ['killed', 'frozen', 'survivor'].map((name) => scene.worker(name, IN_ORDER)),
      );
      const [killed, frozen, survivor] = members as [WorkerProcess, WorkerProcess, WorkerProcess];
      const payloads = messages(2 * COUNT);
      // The first message makes the topic. One member may do all long runs before others have partitions.
      const published = await scene.publish(payloads.slice(0, KEYS));
      await untilShared(members);
      const first = scene.publish(payloads.slice(KEYS, COUNT));
      await until('each of them has a long run', () => {
        const long = new Set(scene.published.slice(LONG_AT, LONG_AT + KEYS));
        return members.every(({ notes }) => notes.some(({ id }) => long.has(id)));
      });
      await killed.kill();
      frozen.signal('SIGSTOP');
      // What the frozen one has announced it may start when it wakes up, before it learns what happened.
      const announced = await scene.mayHold(frozen);
      const inHand = new Set([
        ...(await scene.pending(killed)),
        ...announced.filter((id) => frozen.partitions.has(partitionOf(id))),
      ]);
      await untilShared([survivor]);
      frozen.signal('SIGCONT');
      const replacement = await scene.worker('replacement', IN_ORDER);
      published.push(...(await first));
      const second = scene.publish(payloads.slice(COUNT));
      await untilShared([survivor, frozen, replacement]);
      published.push(...(await second));
      await scene.untilDone();

      const twice = scene.duplicates();
      console.log(
        `Kafka: of three members one killed, one frozen: ${scene.handled().size} handled, ` +
          `${inHand.size} in hand then, ${twice.length} handled twice`,
      );
      expect(scene.refusals).toEqual([]);
      expect(scene.handled().size).toBe(payloads.length);
      expect(overtaking(published, payloads)).toEqual([]);
      expect(inHand.size).toBeGreaterThan(0);
      expect(twice.filter((id) => !inHand.has(id)).map(storyOf)).toEqual([]);
      expect(scene.notes('dead-lettered')).toEqual([]);
      for (const member of [frozen, survivor, replacement]) expect(member.errors).toBe('');
    },
  );

  it('shares out partitions that are added, once each message', { timeout: 60_000 }, async () => {
    scene = await KafkaScene.open(SEES_CHANGES);
    const members = await Promise.all(['a', 'b'].map((name) => scene.worker(name)));
    const fates = new Fates(scene);
    const publishing = fates.flow(0, 1);
    await scene.untilHandled(500);
    await scene.raisePartitions(2 * PARTITIONS);
    await untilShared(members, 2 * PARTITIONS);
    const isNew = (id: string) => Number(id.split('-')[0]) >= PARTITIONS;
    const withNew = () => new Set([...scene.handled().keys()].filter(isNew).map(partitionOf));
    await until('messages of each new partition are handled', () => withNew().size === PARTITIONS);
    fates.stop();
    await publishing;
    await scene.untilDone([...fates.confirmed.values()]);

    console.log(
      `Kafka: partitions raised: ${scene.handled().size} handled, ${scene.duplicates().length} twice`,
    );
    expect(fates.count).toBe(fates.confirmed.size);
    expect(scene.handled().size).toBe(fates.count);
    expect(scene.duplicates()).toEqual([]);
    for (const { errors } of members) expect(errors).toBe('');
  });

  it(
    'reads a topic that is deleted and made again from its beginning',
    { timeout: 60_000 },
    async () => {
      scene = await KafkaScene.open(SEES_CHANGES);
      const members = await Promise.all(['a', 'b'].map((name) => scene.worker(name)));
      const fates = new Fates(scene);
      const publishing = Promise.all([fates.flow(0, 2), fates.flow(1, 2)]);
      await scene.untilHandled(500);
      await scene.deleteTopic();
      const deletedAt = Date.now();
      const handledSince = () => scene.notes('handled').filter(({ at }) => at > deletedAt);
      // The answers of the topic that was deleted have come by then.
      const { size } = fates.confirmed;
      await until('messages are published again', () => fates.confirmed.size > size + 500, 20_000);
      const published = Date.now() - deletedAt;
      const earlier = new Set(fates.confirmed.keys());
      await until('messages are handled again', () => handledSince().length > 500, 20_000);
      const handledAgain = Date.now() - deletedAt;
      fates.stop();
      await publishing;
      const stored = await storedNumbers(scene);
      const ids = [...stored.values()].flat();
      await scene.untilDone(ids, 20_000);

      const handled = new Set(handledSince().map(({ id }) => id));
      console.log(
        `Kafka: topic deleted: ${fates.confirmed.size} published, ${stored.size} of them in the new topic, ` +
          `${fates.notSent.size} not sent, ${fates.unknown.size} of unknown fate, ` +
          `500 published after ${published} ms, 500 handled after ${handledAgain} ms`,
      );
      expect(ids.filter((id) => !handled.has(id))).toEqual([]);
      const later = [...fates.confirmed].filter(([n]) => !earlier.has(n));
      expect(later.length).toBeGreaterThan(0);
      for (const [n, id] of later) expect(stored.get(n), String(n)).toEqual([id]);
      for (const { errors } of members) expect(errors).toBe('');
    },
  );
});

/** Messages of all keys in turn. */
const messages = (count: number): Payload[] =>
  Array.from({ length: count }, (_, n) => ({
    key: `k${n % KEYS}`,
    ...(n % FAILING === 0 && { fails: 1 }),
    ...(n >= LONG_AT && n < LONG_AT + KEYS && { ms: LONG }),
  }));

/** What became of a message, for the message of a failure. */
const storyOf = (id: string): string =>
  [...scene.notes('started'), ...scene.notes('handled'), ...scene.notes('lost')]
    .filter((note) => note.id === id)
    .sort((one, other) => one.at - other.at)
    .map(({ worker, what, attempt, at }) => `${id} ${worker} ${what} ${attempt} at ${at}`)
    .join(', ');

const partitionOf = (id: string): string => id.split('-')[0]!;

/** Waits until these members have all partitions, each as many. */
const untilShared = (members: readonly WorkerProcess[], count = PARTITIONS): Promise<void> =>
  until(
    `${members.map(({ name }) => name).join(', ')} have shared ${count} partitions`,
    () => members.every(({ partitions }) => partitions.size === count / members.length),
    20_000,
    () => members.map(({ name, partitions }) => `${name}: ${[...partitions].join(' ')}`).join(', '),
  );

/** Ids of messages that began before all earlier ones of their keys had been handled, by any worker. */
function overtaking(published: readonly string[], payloads: readonly Payload[]): string[] {
  const notes = [...scene.notes('started'), ...scene.notes('handled')];
  const ofKey = new Map<string, string[]>();
  for (const [at, id] of published.entries()) {
    const { key } = payloads[at]!;
    ofKey.set(key!, [...(ofKey.get(key!) ?? []), id]);
  }
  const firsts = firstTimes(notes);
  return [...ofKey.values()].flatMap((ids) =>
    ids.filter((id, at) => {
      const before = at > 0 ? firsts.handled.get(ids[at - 1]!)! : -Infinity;
      return firsts.started.get(id)! < before;
    }),
  );
}

/** When each message was started and handled for the first time. */
function firstTimes(notes: readonly Note[]): Record<'started' | 'handled', Map<string, number>> {
  const firsts = { started: new Map<string, number>(), handled: new Map<string, number>() };
  for (const { what, id, at } of notes) {
    const times = firsts[what as 'started' | 'handled'];
    times.set(id, Math.min(at, times.get(id) ?? Infinity));
  }
  return firsts;
}
