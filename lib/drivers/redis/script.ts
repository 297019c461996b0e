import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { isScriptMissing } from './reply-errors.js';

/** A Lua script, sent by its digest, and in full once where the server does not know it (any more). */
export class Script {
  private readonly digest: string;

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
}
