import { describe, expect, it } from 'vitest';
import { PublishQueue } from '../../lib/drivers/publish-queue/publish-queue.js';
import type { OutgoingEntry } from '../../lib/core/message.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const entry = (stream: string, value: string): OutgoingEntry => ({
  stream,
  fields: ['value', value],
});

/** A queue whose statements are answered on request. */
class Published {
  readonly statements: string[][] = [];
  private readonly answers: ((error?: Error) => void)[] = [];
  readonly queue = new PublishQueue((entries) => {
    const values = entries.map(({ fields }) => fields[1]!);
    this.statements.push(values);
    return new Promise((resolve, reject) =>
      this.answers.push((error) =>
        error ? reject(error) : resolve(values.map((value) => `id of ${value}`)),
      ),
    );
  });

  publish(stream: string, ...values: readonly string[]): Promise<(string | Error)[]> {
    return this.queue.publish(values.map((value) => entry(stream, value)));
  }

  /** Answers a statement, and lets the next one be sent. */
  async answer(at: number, error?: Error): Promise<void> {
    this.answers[at]!(error);
    await turn();
    await turn();
  }
}

describe('messages that are published one by one on PostgreSQL', () => {
  it('in one turn are one statement, and each call gets its own ids', async () => {
    const published = new Published();
    const calls = [published.publish('a', '1'), published.publish('b', '2', '3')];
    await turn();
    expect(published.statements).toEqual([['1', '2', '3']]);
    await published.answer(0);
    expect(await Promise.all(calls)).toEqual([['id of 1'], ['id of 2', 'id of 3']]);
  });

  it('keep the order of their stream: later ones wait, and are one statement then', async () => {
    const published = new Published();
    void published.publish('a', '1');
    await turn();
    void published.publish('a', '2');
    await turn();
    void published.publish('a', '3');
    await turn();
    expect(published.statements).toEqual([['1']]);
    await published.answer(0);
    expect(published.statements).toEqual([['1'], ['2', '3']]);
  });

  it('do not wait for a stream that is locked, unless they come behind a message for it', async () => {
    const published = new Published();
    void published.publish('locked', '1');
    await turn();
    void published.publish('free', '2');
    void published.queue.publish([entry('other', '3'), entry('locked', '4')]);
    void published.publish('other', '5');
    await turn();
    expect(published.statements).toEqual([['1'], ['2']]);
    await published.answer(0);
    expect(published.statements[2]).toEqual(['3', '4', '5']);
  });

  it('use three connections at most', async () => {
    const published = new Published();
    for (const stream of ['a', 'b', 'c', 'd', 'e']) {
      void published.publish(stream, stream);
      await turn();
    }
    expect(published.statements).toEqual([['a'], ['b'], ['c']]);
    await published.answer(1);
    expect(published.statements[3]).toEqual(['d', 'e']);
  });

  it('have the error of their statement, and later ones are sent', async () => {
    const published = new Published();
    const lost = published.publish('a', '1');
    await turn();
    const next = published.publish('a', '2');
    const error = new Error('the connection was lost');
    await published.answer(0, error);
    expect(await lost).toEqual([error]);
    await published.answer(1);
    expect(await next).toEqual(['id of 2']);
  });

  it('are idle once all calls have been answered', async () => {
    const published = new Published();
    await published.queue.idle();
    void published.publish('a', '1');
    let isIdle = false;
    const idle = published.queue.idle().then(() => void (isIdle = true));
    await turn();
    expect(isIdle).toBe(false);
    await published.answer(0);
    await idle;
    expect(isIdle).toBe(true);
  });
});
