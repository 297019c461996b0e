import type { Commands } from '../connection/commands.js';

/**
 * Size of replies at which the server ends a connection, in bytes, by its
 * `client-output-buffer-limit` for normal clients. 0: no limit. Undefined where this user may not
 * ask, or the server cannot be reached.
 */
export async function replyLimit(commands: Commands, key: string): Promise<number | undefined> {
  try {
    const answer = await commands.run(
      'asking for the limit of replies',
      (client) => client.config('GET', 'client-output-buffer-limit'),
      key,
    );
    const [, hard, soft] = /normal (\d+) (\d+)/.exec(String((answer as unknown[])[1])) ?? [];
    return hard === undefined ? undefined : Number(hard) || Number(soft);
  } catch {
    return undefined;
  }
}
