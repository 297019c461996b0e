import { InvalidOptionsError } from 'nestjs-redis-streams/driver';

/** For groups that have one consumer at a time, because no file has what was handed to which one. */
export class SoleReaders {
  private readonly reading = new Set<string>();

  /**
   * Returns a function that makes room for another consumer.
   * @param streams with their key prefix
   * @throws InvalidOptionsError where a consumer of the group reads one of the streams
   */
  enter(streams: readonly string[], group: string): () => void {
    const names = streams.map((stream) => JSON.stringify([stream, group]));
    const taken = streams.filter((_, at) => this.reading.has(names[at]!));
    if (taken.length > 0) {
      throw new InvalidOptionsError(
        taken.map(
          (stream) =>
            `the group "${group}" has a consumer on the stream "${stream}". With positions: 'engine' a group has one consumer at a time: give this one another group, or leave the option positions of the driver out`,
        ),
      );
    }
    for (const name of names) this.reading.add(name);
    return () => names.forEach((name) => this.reading.delete(name));
  }
}
