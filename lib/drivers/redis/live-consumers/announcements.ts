import { RedisConnectionError } from '../errors/redis-connection.errors.js';
import type {
  AnnouncedStream,
  Announcement,
  ConsumerState,
} from '../../../ports/live-consumers.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';
import { announce, type AnnouncedField, type TakenField } from './announce.script.js';
import {
  changeAnnounced,
  closeAnnounced,
  refreshAnnounced,
  withdrawAnnounced,
  type Kept,
  type OwnFields,
} from './keep-announced.script.js';
import { fieldText } from './consumer-field.js';
import { batchesOf } from './stream-batches.js';

/** What a consumer announces on one stream. */
export interface Said {
  readonly announced: AnnouncedStream;
  readonly state: ConsumerState;
}

/** Writes a consumer's announcements on many streams, under one name. */
export class Announcements {
  constructor(
    private readonly commands: Commands,
    private readonly keys: Keys,
    private readonly about: Announcement,
  ) {}

  /**
   * @param gone instances whose fields are overwritten
   * @returns fields of live consumers that have the name, and their stream; where there are any,
   * nothing was written
   */
  async take(
    consumer: string,
    said: readonly Said[],
    gone: readonly string[],
  ): Promise<(Omit<TakenField, 'place'> & { readonly stream: string })[]> {
    const { instance, timeToLive } = this.about;
    for (const some of this.batches(said)) {
      const announcing = { consumer, instance, timeToLive, gone, fields: some.map(this.fieldOf) };
      const taken = await this.commands
        .run(
          'announcing a consumer',
          (client) => announce(client, announcing),
          this.keyOf(some[0]!),
        )
        .catch((error: unknown) => this.undo(consumer, said, error));
      if (taken.length === 0) continue;
      await this.withdraw(consumer, said);
      return taken.map(({ place, ...found }) => ({
        stream: some[place]!.announced.stream,
        ...found,
      }));
    }
    return [];
  }

  /** @returns the outcome for each stream's field, in the order of `said` */
  async refresh(consumer: string, said: readonly Said[]): Promise<[Said, Kept][]> {
    const { timeToLive } = this.about;
    return this.own('refreshing announcements', consumer, said, (client, fields) =>
      refreshAnnounced(client, fields, timeToLive),
    );
  }

  /** Writes in the same turn of the event loop, where there is a connection. */
  async change(consumer: string, said: readonly Said[]): Promise<[Said, Kept][]> {
    const { instance, timeToLive } = this.about;
    const batches = this.batches(said).map(async (some) => {
      const own = { consumer, instance, fields: some.map(this.fieldOf) };
      const words = await this.commands.run(
        'changing announcements',
        (client) => changeAnnounced(client, own, timeToLive),
        this.keyOf(some[0]!),
      );
      return some.map((one, index): [Said, Kept] => [one, words[index]!]);
    });
    return (await Promise.all(batches)).flat();
  }

  async close(consumer: string, said: readonly Said[]): Promise<void> {
    await this.own('leaving', consumer, said, closeAnnounced);
  }

  private withdraw(consumer: string, said: readonly Said[]): Promise<unknown> {
    return this.own('withdrawing announcements', consumer, said, withdrawAnnounced);
  }

  /** Where the server cannot be reached, the written fields expire. */
  private async undo(consumer: string, said: readonly Said[], error: unknown): Promise<never> {
    if (error instanceof RedisConnectionError) throw error;
    await this.withdraw(consumer, said).catch(() => undefined);
    throw error;
  }

  private async own(
    action: string,
    consumer: string,
    said: readonly Said[],
    act: (client: Parameters<typeof closeAnnounced>[0], fields: OwnFields) => Promise<Kept[]>,
  ): Promise<[Said, Kept][]> {
    const { instance } = this.about;
    const batches = this.batches(said).map(async (some) => {
      const fields = { consumer, instance, keys: some.map((one) => this.keyOf(one)) };
      const words = await this.commands.run(
        action,
        (client) => act(client, fields),
        fields.keys[0]!,
      );
      return some.map((one, index): [Said, Kept] => [one, words[index]!]);
    });
    return (await Promise.all(batches)).flat();
  }

  private batches(said: readonly Said[]): Said[][] {
    return batchesOf(this.commands, said, (one) => this.keyOf(one));
  }

  private keyOf({ announced }: Said): string {
    return this.keys.consumers(announced.stream, this.about.group);
  }

  private readonly fieldOf = (said: Said): AnnouncedField => ({
    key: this.keyOf(said),
    state: said.state,
    json: fieldText(this.about, said.announced),
  });
}
