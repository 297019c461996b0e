import type { Connection } from './connection.js';

const PAGE = 1000;

type Row = [id: string, consumer: string, idle: number, count: number];

/** Everything pending to one consumer for at least `minIdle` ms, page by page. */
export async function ownPending(
  commands: Connection,
  who: { key: string; group: string; consumer: string; minIdle: number },
): Promise<{ id: string; count: number }[]> {
  const found: { id: string; count: number }[] = [];
  for (let start = '-'; ; start = `(${found.at(-1)!.id}`) {
    const rows = (await commands.run('listing pending entries', (client) =>
      client.xpending(who.key, who.group, 'IDLE', who.minIdle, start, '+', PAGE, who.consumer),
    )) as Row[];
    for (const [id, , , count] of rows) found.push({ id, count });
    if (rows.length < PAGE) return found;
  }
}
