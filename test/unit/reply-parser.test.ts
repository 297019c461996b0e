import { describe, expect, it } from 'vitest';
import { ReplyError } from '../../lib/drivers/redis/errors/reply-errors.js';
import { ReplyParser, type Reply } from '../../lib/drivers/redis/resp/reply-parser.js';

function parse(pieces: readonly (string | Buffer)[]): Reply[] {
  const replies: Reply[] = [];
  const parser = new ReplyParser((reply) => replies.push(reply));
  for (const piece of pieces) parser.write(Buffer.from(piece));
  return replies;
}

/** Every way to cut the bytes in two, and all of them one by one. */
function cuts(text: string): Buffer[][] {
  const bytes = Buffer.from(text);
  const inTwo = Array.from({ length: bytes.length - 1 }, (_, at) => [
    bytes.subarray(0, at + 1),
    bytes.subarray(at + 1),
  ]);
  return [...inTwo, Array.from(bytes, (byte) => Buffer.from([byte]))];
}

describe('a reply', () => {
  it.each<[what: string, text: string, reply: Reply]>([
    ['a text', '$5\r\nhello\r\n', 'hello'],
    ['an empty text', '$0\r\n\r\n', ''],
    ['line breaks in a text', '$4\r\n\r\n\r\n\r\n', '\r\n\r\n'],
    ['no text', '$-1\r\n', null],
    ['no list', '*-1\r\n', null],
    ['null', '_\r\n', null],
    ['a word', '+OK\r\n', 'OK'],
    ['a number', ':-42\r\n', -42],
    ['a fraction', ',1.5\r\n', 1.5],
    ['true', '#t\r\n', true],
    ['false', '#f\r\n', false],
    ['a large number', '(123456789012345678901234567890\r\n', '123456789012345678901234567890'],
    ['a formatted text', '=7\r\ntxt:abc\r\n', 'abc'],
    ['an empty list', '*0\r\n', []],
    ['a list', '*3\r\n$1\r\na\r\n:1\r\n$-1\r\n', ['a', 1, null]],
    ['lists in lists', '*2\r\n*2\r\n*0\r\n:1\r\n*1\r\n*1\r\n:2\r\n', [[[], 1], [[2]]]],
    ['a set', '~2\r\n:1\r\n:2\r\n', [1, 2]],
    ['a map', '%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n', ['a', 1, 'b', [2]]],
    ['texts of several bytes', '*2\r\n$4\r\näö\r\n$4\r\n😀\r\n', ['äö', '😀']],
  ])('%s, however it arrives', (_, text, reply) => {
    expect(parse([text])).toEqual([reply]);
    for (const pieces of cuts(text)) expect(parse(pieces)).toEqual([reply]);
  });

  it('keeps bytes that are no UTF-8, and a genuine U+FFFD', () => {
    const texts = [Buffer.from([0xff, 0x61, 0xe2, 0x82]), Buffer.from('\uFFFD'), Buffer.from('ä')];
    const parts = texts.flatMap((bytes) => [`$${bytes.length}\r\n`, bytes, '\r\n']);
    const bytes = Buffer.concat(['*3\r\n', ...parts].map((part) => Buffer.from(part)));
    const reply = ['\uDCFFa\uDCE2\uDC82', '\uFFFD', 'ä'];
    expect(parse([bytes])).toEqual([reply]);
    expect(parse(Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual([reply]);
  });

  it('that refuses is an error with its text', () => {
    for (const text of ['-NOGROUP no such key\r\n', '!20\r\nNOGROUP no such key.\r\n']) {
      for (const pieces of [[text], ...cuts(text)]) {
        const [reply] = parse(pieces);
        expect(reply).toBeInstanceOf(ReplyError);
        expect((reply as ReplyError).message).toMatch(/^NOGROUP no such key/);
      }
    }
  });

  it('follows another, in one piece or in several', () => {
    const text = '+OK\r\n*1\r\n$1\r\na\r\n-ERR x\r\n:7\r\n';
    const replies = ['OK', ['a'], new ReplyError('ERR x'), 7];
    expect(parse([text])).toEqual(replies);
    for (const pieces of cuts(text)) expect(parse(pieces)).toEqual(replies);
  });

  it('is not mixed up with what the server says on its own', () => {
    const push = '>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n';
    expect(parse([`${push}+OK\r\n${push}:1\r\n`])).toEqual(['OK', 1]);
  });

  it('keeps apart short texts that follow each other in the same place', () => {
    const texts = ['event', 'evenT', 'event', 'eve', 'x', '', 'event'];
    const entries = texts.map((text) => `*2\r\n$1\r\na\r\n$${text.length}\r\n${text}\r\n`);
    const reply = texts.map((text) => ['a', text]);
    expect(parse([`*${texts.length}\r\n${entries.join('')}`])).toEqual([reply]);
  });

  it('of many megabytes is put together once', () => {
    const text = 'x'.repeat(20_000_000);
    const bytes = Buffer.from(`*1\r\n$${text.length}\r\n${text}\r\n`);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 65_536) pieces.push(bytes.subarray(at, at + 65_536));
    const replies: Reply[] = [];
    const parser = new ReplyParser((reply) => replies.push(reply));
    for (const piece of pieces) parser.write(piece);
    expect((replies[0] as string[])[0]!.length).toBe(text.length);
  });

  it('that is none ends in an error', () => {
    expect(() => parse(['HTTP/1.1 400 Bad Request\r\n'])).toThrow(/byte 72/);
  });
});
