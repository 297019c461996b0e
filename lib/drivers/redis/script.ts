import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { isScriptMissing } from './reply-errors.js';

/** A Lua script, sent by its digest, and in full once where the server does not know it (any more). */
export class Script {
  private readonly digest: string;
  private readonly sent = new WeakSet<Redis>();

  constructor(private readonly lua: string) {
    this.digest = createHash('sha1').update(lua).digest('hex');
  }

  async run(
    client: Redis,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    try {
      return await client.evalsha(this.digest, keys.length, ...keys, ...args);
    } catch (error) {
      if (!isScriptMissing(error)) throw error;
      return client.eval(this.lua, keys.length, ...keys, ...args);
    }
  }

  /**
   * As words, for who speaks to the server by himself: in full the first time, as what is sent behind
   * it does not wait for another try. A server that has forgotten it since answers NOSCRIPT: then
   * `forget`, and once more.
   */
  command(
    client: Redis,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): (string | number)[] {
    const known = this.sent.has(client);
    this.sent.add(client);
    const head = known ? ['EVALSHA', this.digest] : ['EVAL', this.lua];
    return [...head, keys.length, ...keys, ...args];
  }

  forget(client: Redis): void {
    this.sent.delete(client);
  }
}
