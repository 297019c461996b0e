import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { isRefused, isScriptMissing } from './reply-errors.js';

/**
 * Put before each script: what the user may not do inside it ends the script, wherever it was, and
 * the error says what it was. The server (7.0) names neither command nor key, and a script that only
 * looks for errors of another kind would go on with a wrong idea.
 */
const NAME_WHAT_IS_REFUSED = `
local redis = (function(server)
  local function try(...)
    local reply = server.pcall(...)
    if type(reply) == 'table' and reply.err and (string.find(reply.err, 'NOPERM', 1, true)
        or string.find(reply.err, 'The user executing the script', 1, true)) then
      local name, sub, key = ...
      name = string.lower(name)
      if name == 'xgroup' or name == 'xinfo' then name = name .. '|' .. string.lower(sub) else key = sub end
      error({ err = "NOPERM '" .. name .. "' on key '" .. key .. "' is refused inside a script" })
    end
    return reply
  end
  local function call(...)
    local reply = try(...)
    if type(reply) == 'table' and reply.err then error(reply) end
    return reply
  end
  return { call = call, pcall = try, error_reply = server.error_reply }
end)(redis)
`;

/** A Lua script, sent by its digest, and in full once where the server does not know it (any more). */
export class Script {
  private readonly lua: string;
  private readonly digest: string;
  private readonly sent = new WeakSet<Redis>();

  constructor(lua: string) {
    this.lua = NAME_WHAT_IS_REFUSED + lua;
    this.digest = createHash('sha1').update(this.lua).digest('hex');
  }

  async run(
    client: Redis,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    try {
      return await this.evaluate(client, keys, args);
    } catch (error) {
      if (isRefused(error)) nameKeys(error as Error, keys);
      throw error;
    }
  }

  private async evaluate(
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

/** Asked for several keys, the server does not say which one it refuses. */
function nameKeys(error: Error, keys: readonly string[]): void {
  Object.assign(error, { keys });
  if (error.message.includes('inside a script') || !/\bkey/.test(error.message)) return;
  error.message += ` (${keys.slice(0, 6).join(', ')}${keys.length > 6 ? ', …' : ''})`;
}
