import { randomBytes, sign, type KeyObject } from 'node:crypto';
import { newKeys } from './secrets.js';

/** A certificate with its private key, both PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const DAY = 86_400_000;

/**
 * A certificate authority of one test file: made in memory, with nothing but Node, as a machine may
 * be without `openssl` or have another one.
 */
export class Authority {
  private readonly keys = newKeys();
  readonly cert: string;

  constructor(private readonly name = 'A private authority') {
    this.cert = this.certificate(name, this.keys.publicKey, [basicConstraints(true)]);
  }

  /** @param expiresIn from now, ms */
  issue(name: string, { expiresIn = DAY }: { expiresIn?: number } = {}): Certificate {
    const { publicKey, privateKey } = newKeys();
    const extensions = [basicConstraints(false), alternativeName(name)];
    return {
      cert: this.certificate(name, publicKey, extensions, expiresIn),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    };
  }

  private certificate(
    name: string,
    publicKey: KeyObject,
    extensions: readonly Buffer[],
    expiresIn = DAY,
  ): string {
    const signed = sequence(
      tagged(0xa0, integer(Buffer.from([2]))),
      integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
      ECDSA_SHA256,
      distinguished(this.name),
      sequence(time(Date.now() - 2 * DAY), time(Date.now() + expiresIn)),
      distinguished(name),
      publicKey.export({ type: 'spki', format: 'der' }),
      tagged(0xa3, sequence(...extensions)),
    );
    const signature = sign('sha256', signed, this.keys.privateKey);
    return pem(sequence(signed, ECDSA_SHA256, bits(signature)));
  }
}

/** DER: a type, a length, and what it holds. */
function tagged(type: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([type, ...head]), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => tagged(0x30, ...parts);
const integer = (value: Buffer): Buffer => tagged(0x02, value);
const bits = (value: Buffer): Buffer => tagged(0x03, Buffer.from([0]), value);
const octets = (value: Buffer): Buffer => tagged(0x04, value);
const objectId = (hex: string): Buffer => tagged(0x06, Buffer.from(hex, 'hex'));
const ECDSA_SHA256 = sequence(objectId('2a8648ce3d040302'));

const distinguished = (name: string): Buffer =>
  sequence(tagged(0x31, sequence(objectId('550403'), tagged(0x0c, Buffer.from(name)))));

const time = (at: number): Buffer =>
  tagged(0x18, Buffer.from(`${new Date(at).toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`));

const basicConstraints = (authority: boolean): Buffer =>
  sequence(
    objectId('551d13'),
    tagged(0x01, Buffer.from([255])),
    octets(sequence(...(authority ? [tagged(0x01, Buffer.from([255]))] : []))),
  );

/** A host name, or an IPv4 address. */
function alternativeName(name: string): Buffer {
  const address = /^\d+\.\d+\.\d+\.\d+$/.test(name);
  const value = address ? Buffer.from(name.split('.').map(Number)) : Buffer.from(name);
  return sequence(objectId('551d11'), octets(sequence(tagged(address ? 0x87 : 0x82, value))));
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
