import { chunksOf } from '../../../core/collections/chunks.js';
import { GroupNotFoundError, StreamNotFoundError } from '../../../core/errors/group.errors.js';
import { InvalidOptionsError } from '../../../core/errors/start-up.errors.js';
import { WrongKeyTypeError } from '../../../core/errors/server.errors.js';
import type { ConsumerReport, GroupAdmin, StreamReport } from '../../../ports/group-admin.js';
import { HELD_CONSUMER } from '../../../ports/held-entries.js';
import { idBefore } from '../../entry-ids/entry-id.js';
import { aboutGroup } from './about-group.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';
import { placementProblems } from '../keys/stream-name-problems.js';
import { createGroup } from './create-group.script.js';
import { deleteGroup } from './delete-group.script.js';
import { describeStream } from './describe-stream.script.js';
import { removeConsumer } from './remove-consumer.script.js';
import { setPosition } from './set-position.script.js';

/** Streams described at a time. */
const AT_ONCE = 100;

type Row = (string | number | null)[];

/** Groups of streams on Redis, with the floors that are stored beside each stream. */
export class RedisGroupAdmin implements GroupAdmin {
  constructor(
    private readonly commands: Commands,
    private readonly keys: Keys,
  ) {}

  async create(
    stream: string,
    group: string,
    options: { readonly startId: string; readonly createStream: boolean },
  ): Promise<boolean> {
    const names = { ...this.placed(stream), group, ...options };
    const word = await this.commands.run(
      `creating group ${group}`,
      (client) => createGroup(client, names),
      names.key,
    );
    if (word === 'no-stream') throw new StreamNotFoundError(stream);
    return word === 'created';
  }

  async delete(stream: string, group: string): Promise<boolean> {
    const { keys } = this;
    const beside = { redrive: keys.redrive(stream, group), held: keys.held(stream, group) };
    const names = { ...this.placed(stream), group, ...beside };
    const word = await this.commands.run(
      `deleting group ${group}`,
      (client) => deleteGroup(client, names),
      names.key,
    );
    if (word === 'unmarkable') throw new WrongKeyTypeError(names.floor);
    return word === 'deleted';
  }

  async describe(streams: readonly string[]): Promise<(StreamReport | undefined)[]> {
    const reports: (StreamReport | undefined)[] = [];
    for (const some of chunksOf(streams, AT_ONCE)) {
      reports.push(...(await Promise.all(some.map((stream) => this.describeOne(stream)))));
    }
    return reports;
  }

  async setPosition(stream: string, group: string, id: string): Promise<void> {
    const names = { ...this.placed(stream), group, id };
    const word = await this.commands.run(
      `moving group ${group}`,
      (client) => setPosition(client, names),
      names.key,
    );
    if (word === 'no-stream') throw new StreamNotFoundError(stream);
    if (word === 'no-group') throw new GroupNotFoundError(stream, group);
  }

  async setPositionAt(stream: string, group: string, time: number): Promise<void> {
    await this.setPosition(stream, group, idBefore(`${time}-0`));
  }

  async consumers(stream: string, group: string): Promise<ConsumerReport[]> {
    const about = { key: this.keys.stream(stream), stream, group };
    const rows = await this.commands.run(
      'listing consumers',
      (client) => aboutGroup(client, about, () => client.xinfo('CONSUMERS', about.key, group)),
      about.key,
    );
    return (rows as Row[]).map(consumerOf).filter(({ name }) => name !== HELD_CONSUMER);
  }

  removeConsumer(stream: string, group: string, consumer: string): Promise<number> {
    const about = { key: this.keys.stream(stream), stream, group };
    return this.commands.run(
      `removing consumer ${consumer}`,
      (client) => aboutGroup(client, about, () => removeConsumer(client, { ...about, consumer })),
      about.key,
    );
  }

  private async describeOne(stream: string): Promise<StreamReport | undefined> {
    const key = this.keys.stream(stream);
    const apart = this.commands.topology && placementProblems(this.keys, [stream]).length > 0;
    const floor = apart ? key : this.keys.floor(stream);
    const described = await this.commands.run(
      'describing a stream',
      (client) => describeStream(client, { key, floor }),
      key,
    );
    return described && { stream, ...described };
  }

  /** @throws InvalidOptionsError where the keys of a stream would not share a slot of the cluster */
  private placed(stream: string): { key: string; floor: string } {
    if (this.commands.topology) {
      const problems = placementProblems(this.keys, [stream]);
      if (problems.length > 0) throw new InvalidOptionsError(problems);
    }
    return { key: this.keys.stream(stream), floor: this.keys.floor(stream) };
  }
}

/** Reads fields by name: servers differ in which fields they have, and in their order. */
function consumerOf(row: Row): ConsumerReport {
  const field = (name: string): string | number | null => {
    const at = row.indexOf(name);
    return at < 0 ? null : (row[at + 1] ?? null);
  };
  const inactive = field('inactive');
  return {
    name: String(field('name')),
    pending: Number(field('pending')),
    idleMs: Number(field('idle')),
    // -1 means never.
    inactiveMs: inactive === null || Number(inactive) < 0 ? null : Number(inactive),
  };
}
