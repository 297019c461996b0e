import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Guard } from '../../../core/guard.js';
import { textsOf } from '../resp/texts-of.js';
import { isRefused, isRefusedInScript, isScriptMissing } from '../errors/reply-errors.js';

/**
 * Put before a script that only acts where all guards hold: behind its own keys and arguments stand those
 * of the guards about pending entries (value, group, id) with their number, then those about plain values.
 */
const GUARDED = `
for _ = 1, tonumber(table.remove(ARGV)) do
  if redis.call('GET', table.remove(KEYS)) ~= table.remove(ARGV) then return false end
end
for _ = 1, tonumber(table.remove(ARGV)) do
  local id, group, consumer = table.remove(ARGV), table.remove(ARGV), table.remove(ARGV)
  local rows = redis.pcall('XPENDING', table.remove(KEYS), group, id, id, 1)
  if rows.err or not rows[1] or rows[1][2] ~= consumer then return false end
end`;

/**
 * A Lua script. It is sent by its digest, and in full where the server does not know it. Each line
 * calls one command at most, and names it in a comment where the call does not: so an error can
 * name what the user may not do.
 */
export class Script {
  private readonly digest: string;
  readonly #sent = new WeakSet<Redis>();
  private underGuards: Script | undefined;

  constructor(private readonly lua: string) {
    this.digest = createHash('sha1').update(lua).digest('hex');
  }

  /**
   * Runs the script only where the guards hold.
   * @returns null where one does not; a script with guards returns no null itself
   */
  async run(
    client: Redis,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
    guards: readonly Guard[] = [],
  ): Promise<unknown> {
    return this.answer(client, keys, args, guards, false);
  }

  /**
   * As {@link run}, for a script that returns the fields of entries: bytes that are no UTF-8 are
   * kept.
   */
  async read(
    client: Redis,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
    guards: readonly Guard[] = [],
  ): Promise<unknown> {
    return textsOf(await this.answer(client, keys, args, guards, true));
  }

  private async answer(
    client: Redis,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
    guards: readonly Guard[],
    asBytes: boolean,
  ): Promise<unknown> {
    if (guards.length > 0) {
      return this.guarded.answer(client, ...withGuards(keys, args, guards), [], asBytes);
    }
    try {
      return await this.evaluate(client, keys, args, asBytes);
    } catch (error) {
      if (isRefusedInScript(error)) this.nameCommand(error as Error);
      if (isRefused(error)) nameKeys(error as Error, keys);
      throw error;
    }
  }

  private async evaluate(
    client: Redis,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
    asBytes: boolean,
  ): Promise<unknown> {
    const words = [keys.length, ...keys, ...args] as const;
    try {
      if (asBytes) return await client.callBuffer('EVALSHA', this.digest, ...words);
      return await client.evalsha(this.digest, ...words);
    } catch (error) {
      if (!isScriptMissing(error)) throw error;
      return asBytes
        ? client.callBuffer('EVAL', this.lua, ...words)
        : client.eval(this.lua, ...words);
    }
  }

  /**
   * The words of the command, for callers that speak to the server themselves. In full the first
   * time, because commands sent behind it do not wait for another try. A server that has forgotten
   * the script replies NOSCRIPT: call `forget`, and send it once more.
   */
  command(
    client: Redis,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): (string | number)[] {
    const known = this.#sent.has(client);
    this.#sent.add(client);
    const head = known ? ['EVALSHA', this.digest] : ['EVAL', this.lua];
    return [...head, keys.length, ...keys, ...args];
  }

  /** The same script, for keys and arguments {@link withGuards}. */
  get guarded(): Script {
    this.underGuards ??= new Script(GUARDED + this.lua);
    return this.underGuards;
  }

  forget(client: Redis): void {
    this.#sent.delete(client);
  }

  /** Names the command of an error: the server tells only the line. */
  private nameCommand(error: Error): void {
    const [, line] = /user_script:(\d+)/.exec(error.message) ?? [];
    const text = this.lua.split('\n')[Number(line) - 1] ?? '';
    const [, direct, sub, commented] =
      /redis\.call\((?:'([A-Z]+)'(?:, '([A-Z]+)')?|unpack\(\w+\)\).*-- ([A-Z]+))/.exec(text) ?? [];
    const command = [direct ?? commented, sub].filter(Boolean).join('|').toLowerCase();
    error.message = `NOPERM no permission to run the '${command}' command in a script`;
  }
}

/** Keys and arguments of a script whose guards are checked first. */
export function withGuards<T>(
  keys: readonly string[],
  args: readonly T[],
  guards: readonly Guard[],
): [keys: string[], args: (T | string | number)[]] {
  const plain = guards.filter(({ pending }) => !pending);
  const about = guards.filter(({ pending }) => pending);
  const entries = about.flatMap(({ value, pending }) => [value, pending!.group, pending!.id]);
  return [
    [...keys, ...about.map(({ key }) => key), ...plain.map(({ key }) => key)],
    [...args, ...entries, about.length, ...plain.map(({ value }) => value), plain.length],
  ];
}

/** Names the keys of an error: the server does not say which of several keys it refuses. */
function nameKeys(error: Error, keys: readonly string[]): void {
  Object.assign(error, { keys });
  if (!/\bkeys?\b/.test(error.message)) return;
  error.message += ` (${keys.slice(0, 6).join(', ')}${keys.length > 6 ? ', …' : ''})`;
}
