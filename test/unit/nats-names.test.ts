import {
  array,
  assert,
  boolean,
  constantFrom,
  nat,
  oneof,
  pre,
  property,
  string,
  tuple,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  durableName,
  Names,
  streamName,
  subjectOf,
  token,
} from '../../lib/drivers/nats/names/names.js';

/** Letters that mean something in NATS, in escaped names, or in names of this driver. */
const LETTERS = [
  ...['a', 'B', '7', '-', '_', '.', '=', '$', '*', '>', ':', '/', ' ', '\0', '\r', '\n'],
  ...['é', '€', '😀', '\ud83d', '\ude00', '2E', '=2E', '5F', 'KV_', 'KV.', 'OBJ.', 'streams-'],
];
const texts = array(oneof(constantFrom(...LETTERS), string({ unit: 'binary', maxLength: 3 })), {
  minLength: 1,
  maxLength: 12,
}).map((parts) => parts.join(''));
/** Short and long ones, of which many are alike. */
const names = tuple(texts, nat(5), constantFrom(1, 1, 1, 30))
  .map(([text, tail, times]) => text.repeat(times) + '.'.repeat(tail % 3))
  .filter((text) => text !== '');

const SUBJECT = /^[!-~]{1,250}$/;

describe('the names of NATS', () => {
  it.each<[string, string]>([
    ['orders', 'orders'],
    ['orders.created', 'orders.created'],
    ['Orders_v2:eu/west', 'Orders_v2:eu/west'],
    ['order-42#a$b', 'order-42#a$b'],
    ['café', 'caf=C3=A9'],
    ['a b', 'a=20b'],
    ['a*.>', 'a=2A.=3E'],
    ['a=2E', 'a=3D2E'],
    ['.a..b.', '=2Ea.=2Eb=2E'],
    ['...', '=2E.=2E'],
    ['$JS.API', '=24JS.API'],
    ['_INBOX.x', '=5FINBOX.x'],
  ])('the subject of %j is %j', (stream, subject) => {
    expect(subjectOf('', stream)).toBe(subject);
    expect(subjectOf(stream.slice(0, 1), stream.slice(1))).toBe(subject);
  });

  it.each<[string, string]>([
    ['orders', 'orders'],
    ['orders.created', 'orders_created'],
    ['orders_created', 'orders=5Fcreated'],
    ['a:b', 'a=3Ab'],
    ['KV.streams-state', '=4BV_streams-state'],
    ['OBJ.files', '=4FBJ_files'],
    ['streams-dead-letters', '=73treams-dead-letters'],
  ])('the JetStream stream of %j is %j', (stream, name) => {
    expect(streamName('', stream)).toBe(name);
    expect(durableName(stream)).toBe(name);
  });

  it.each<[string, string]>([
    ['a.b', 'a=2Eb'],
    ['', '='],
    ['=', '=3D'],
    ['*', '=2A'],
  ])('the token of %j is %j', (text, expected) => {
    expect(token(text)).toBe(expected);
  });

  it('are different for different texts, and valid for all of them', () => {
    assert(
      property(names, names, boolean(), (one, other, same) => {
        const second = same ? one : other;
        for (const nameOf of [(text: string) => subjectOf('', text), durableName, token]) {
          expect(nameOf(one) === nameOf(second), `${nameOf(one)} ${nameOf(second)}`).toBe(
            one === second,
          );
        }
        const subject = subjectOf('', one);
        expect(subject).toMatch(SUBJECT);
        expect(subject.split('.')).not.toContain('');
        expect(subject).not.toMatch(/[*>]|^[$_]/);
        expect(durableName(one)).toMatch(/^(?!KV_|OBJ_|streams-)[-_=\w]{1,120}$/);
        expect(token(one)).toMatch(/^[-_=\dA-Za-z]{1,120}$/);
      }),
      { numRuns: 500 },
    );
  });

  it('of two key prefixes are apart', () => {
    assert(
      property(names, names, (one, other) => {
        pre(one !== other);
        const [first, second] = [new Names(one), new Names(other)];
        expect(first.bucket('state')).toMatch(/^streams-state(?:-[-\w]{1,60})?$/);
        expect(first.bucket('state')).not.toBe(second.bucket('state'));
        expect(first.deadLetter('s', 'g')).not.toBe(second.deadLetter('s', 'g'));
        expect(first.deadLetters).not.toBe(second.deadLetters);
      }),
      { numRuns: 500 },
    );
  });

  it('of the driver itself stand beside all names of streams', () => {
    const own = new Names('');
    expect(own.bucket('runs')).toBe('streams-runs');
    expect(own.ownStream('dead-letters')).toBe('streams-dead-letters');
    expect(own.deadLetter('a.b', 'g h')).toBe('_streams.=.dead.a=2Eb.g=20h');
    expect(own.deadLetter('a', '*')).toBe('_streams.=.dead.a.=2A');
    expect(own.deadLetter('a', undefined)).toBe('_streams.=.dead.a.*');
    const shop = new Names('shop:');
    expect(shop.ownStream('redriven')).toBe('streams-redriven-shop_3A');
    expect(shop.redrivenMessage('s', 'g', 12)).toBe('_streams.shop=3A.redriven.s.g.12');
    expect(shop.replies('a_b')).toBe('_streams.shop=3A.replies.a=5Fb');
    expect(shop.delayed('s')).toBe('_streams.shop=3A.delayed.s.*');
    expect(shop.subject('orders')).toBe('shop:orders');
    expect(shop.stream('orders')).toBe('shop=3Aorders');
    expect(shop.groupKey('s', 'g')).toBe('s.g');
  });
});
