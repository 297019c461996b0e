import type { Msg } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { NatsConnection } from '../../lib/drivers/nats/connection/nats-connection.js';
import { NATS_OPTIONS } from '../../lib/drivers/nats/connection/nats.options.js';
import type { NatsMessage } from '../../lib/drivers/nats/publishing/nats-message.js';
import { Publisher } from '../../lib/drivers/nats/publishing/publisher.js';
import type { StreamMaker } from '../../lib/drivers/nats/publishing/stream-gate.js';
import type { JsStream } from '../../lib/drivers/nats/streams/js-stream.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';

/** What JetStream answers while another message with the same id is being stored. */
const COLLISION = { error: { code: 409, err_code: 10_158, description: 'in process' }, seq: 0 };

describe('the publisher of NATS', needsNats(), () => {
  let nats: TestNats;
  let subjects = 0;
  beforeAll(async () => {
    nats = await testNats();
  });
  afterAll(() => nats.cleanup());

  /** A publisher whose streams are always there, as far as it is told. Counts how often it asks. */
  function publisherWith(): { publisher: Publisher; asked: string[]; forgotten: string[] } {
    const connection = new NatsConnection(NATS_OPTIONS.complete({ url: nats.url }), new EventBus());
    const [asked, forgotten]: [string[], string[]] = [[], []];
    const streams: StreamMaker = {
      of: async (stream) => {
        asked.push(stream);
        return {} as JsStream;
      },
      forget: (stream) => void forgotten.push(stream),
    };
    const publisher = new Publisher({
      connection,
      streams,
      requestTimeout: 5000,
      connectTimeout: 400,
    });
    onTestFinished(async () => {
      await publisher.close();
      await connection.close();
    });
    return { publisher, asked, forgotten };
  }

  /** The test answers in place of JetStream. */
  async function answerWith(answer: (message: Msg, count: number) => unknown) {
    const subject = `answered-${++subjects}`;
    const received: string[] = [];
    const subscription = nats.client.subscribe(subject, {
      callback: (_, message) => {
        received.push(message.string());
        message.respond(JSON.stringify(answer(message, received.length)));
      },
    });
    onTestFinished(() => subscription.unsubscribe());
    await nats.client.flush();
    return { subject, received };
  }

  const message = (subject: string, body: string): NatsMessage => ({
    ...{ stream: subject, subject, headers: ['Nats-Msg-Id', 'one'] },
    body: Buffer.from(body),
  });

  test('sends a message again while another one with its id is being stored', async () => {
    const first = { stream: 's', seq: 7, duplicate: true };
    const { subject, received } = await answerWith((_, count) => (count < 3 ? COLLISION : first));
    const { publisher } = publisherWith();
    expect(await publisher.publishAll([message(subject, 'a')])).toEqual([first]);
    expect(received).toEqual(['a', 'a', 'a']);
  });

  test('does not do so for ever', async () => {
    const { subject } = await answerWith(() => COLLISION);
    const [outcome] = await publisherWith().publisher.publishAll([message(subject, 'a')]);
    expect(outcome).toMatchObject({ code: 'SERVER_REPLY', errCode: 10_158 });
  });

  test('sends a message that was refused otherwise only once', async () => {
    const refusal = { error: { code: 400, err_code: 10_060, description: 'no' }, seq: 0 };
    const { subject, received } = await answerWith(() => refusal);
    const [outcome] = await publisherWith().publisher.publishAll([message(subject, 'a')]);
    expect(outcome).toMatchObject({ errCode: 10_060 });
    expect(received).toEqual(['a']);
  });

  test('gives a message up for which there is never a stream', async () => {
    const { publisher, asked } = publisherWith();
    const [outcome] = await publisher.publishAll([message('no.stream', 'a')]);
    expect(outcome).toMatchObject({ code: 'NATS_CONNECTION', outcome: 'not-sent' });
    expect((outcome as Error).message).toContain('no JetStream stream takes the subject');
    expect(asked.length).toBeGreaterThan(1);
  });

  test('asks once for a stream, and again after an outcome that is not known', async () => {
    let isDumb = false;
    const { subject } = await answerWith((_, seq) => (isDumb ? undefined : { stream: 's', seq }));
    const { publisher, asked, forgotten } = publisherWith();
    await publisher.publishAll([message(subject, 'a'), message(subject, 'b')]);
    await publisher.publishAll([message(subject, 'c')]);
    expect(asked).toEqual([subject]);
    isDumb = true;
    const [outcome] = await publisher.publishAll([message(subject, 'd')]);
    expect(outcome).toMatchObject({ outcome: 'unknown' });
    expect(forgotten).toEqual([subject]);
    isDumb = false;
    await publisher.publishAll([message(subject, 'e')]);
    expect(asked).toEqual([subject, subject]);
  });
});
