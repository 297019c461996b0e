/** Every key name of this library on Redis. Keys derived from a stream share its cluster slot. */
export class Keys {
  constructor(private readonly prefix: string) {}

  stream(name: string): string {
    return this.prefix + name;
  }

  /** Stream of the dead letters of a stream. */
  deadLetters(name: string): string {
    return `${this.tagged(name)}:dead-letter`;
  }

  /** Stream of the messages handed back to one group. */
  redrive(name: string, group: string): string {
    return `${this.tagged(name)}:redrive:${group}`;
  }

  /** Hash of the position that each group could be recreated at. */
  floor(name: string): string {
    return `${this.tagged(name)}:floor`;
  }

  /** Id of the message that was published to a stream with this idempotency key. */
  published(name: string, key: string): string {
    return `${this.tagged(name)}:published:${key}`;
  }

  state(key: string): string {
    return this.prefix + key;
  }

  private tagged(name: string): string {
    const key = this.stream(name);
    return hasHashTag(key) ? key : `{${key}}`;
  }
}

/** Whether Redis Cluster would hash a part of the key only: the first `{…}` that is not empty. */
export function hasHashTag(key: string): boolean {
  const open = key.indexOf('{');
  return open >= 0 && key.indexOf('}', open) > open + 1;
}
