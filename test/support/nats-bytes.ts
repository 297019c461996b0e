import { createConnection } from 'node:net';
import { until } from './until.js';

/**
 * Publishes bytes as a client of its own would, without the checks of the client library. Resolves
 * when the server has them.
 * @param headers what stands between the first line of the headers and the empty one
 */
export async function publishBytes(
  port: number,
  subject: string,
  headers: string,
  body: string,
): Promise<void> {
  const socket = createConnection(port, '127.0.0.1');
  const [head, size] = [`NATS/1.0\r\n${headers}\r\n\r\n`, Buffer.byteLength(body)];
  socket.write('CONNECT {"verbose":false,"headers":true,"protocol":1}\r\n');
  socket.write(`HPUB ${subject} ${head.length} ${head.length + size}\r\n${head}${body}\r\n`);
  socket.write('PING\r\n');
  const answers: string[] = [];
  socket.on('data', (data) => answers.push(String(data)));
  await until('the server has it', () => answers.join('').includes('PONG'));
  socket.destroy();
}
