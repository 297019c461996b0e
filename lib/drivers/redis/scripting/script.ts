import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Guard } from '../../../core/guard.js';
import { textsOf } from '../resp/texts-of.js';
import { isRefused, isRefusedInScript, isScriptMissing } from '../errors/reply-errors.js';

/**
 * Put before a script that may act only where all guards hold. Behind the script's own keys and
 * arguments come those of the guards about pending entries (value, group, id) with their number,
 * then those about plain values.
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
 * A Lua script. It is sent by its digest, and in full once where the server does not know it (any
 * more). Each line of a script calls one command at most, and names it in a comment where the call
 * does not: so that an error can name the command that the user may not run.
 */
export class Script {
  private readonly digest: string;
  readonly #sent = new WeakSet<Redis>();
  private underGuards: Script | undefined;

  constructor(private readonly lua: string) {
    this.digest = createHash('sha1').update(lua).digest('hex');
  }

  /**
   * Runs the script only where the guards hold, if there are any.
   * @returns null where a guard does not hold; a script with guards itself never answers null
   */
  async run(
    client: Redis,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
    guards: readonly Guard[] = [],
  ): Promise<unknown> {
    return this.answer(client, keys, args, guards, false);
  }

  /** Runs a script that answers the fields of entries: bytes that are no UTF-8 are kept. */
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
   * Returns the words of the command, for callers that write to the server themselves. The first
   * command has the script in full, since commands sent behind it do not wait for a second try. A
   * server that has lost the script since answers NOSCRIPT: then call `forget`, and send once more.
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

  /** The same script for keys and arguments made by {@link withGuards}. */
  get guarded(): Script {
    this.underGuards ??= new Script(GUARDED + this.lua);
    return this.underGuards;
  }

  forget(client: Redis): void {
    this.#sent.delete(client);
  }

  /** The server's error names only the line of the script. */
  private nameCommand(error: Error): void {
    const [, line] = /user_script:(\d+)/.exec(error.message) ?? [];
    const text = this.lua.split('\n')[Number(line) - 1] ?? '';
    const [, direct, sub, commented] =
      /redis\.call\((?:'([A-Z]+)'(?:, '([A-Z]+)')?|unpack\(\w+\)\).*-- ([A-Z]+))/.exec(text) ?? [];
    const command = [direct ?? commented, sub].filter(Boolean).join('|').toLowerCase();
    error.message = `NOPERM no permission to run the '${command}' command in a script`;
  }
}

/** Keys and arguments of a script that checks guards first. */
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

/** Where a command has several keys, the server does not say which of them it refuses. */
function nameKeys(error: Error, keys: readonly string[]): void {
  Object.assign(error, { keys });
  if (!/\bkeys?\b/.test(error.message)) return;
  error.message += ` (${keys.slice(0, 6).join(', ')}${keys.length > 6 ? ', …' : ''})`;
}
