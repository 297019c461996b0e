import type { Transactions } from 'nestjs-redis-streams/driver';
import { prismaTransaction } from '../outbox/other-libraries.js';

/** What `prisma.$transaction` passes on. */
type Tx = Parameters<typeof prismaTransaction>[0];

interface Prisma {
  $transaction<R>(work: (tx: Tx) => Promise<R>): Promise<R>;
}

export const prismaTransactions = (prisma: Prisma): Transactions<Tx> => ({
  run: (work) => prisma.$transaction((tx) => work(tx, prismaTransaction(tx))),
});
