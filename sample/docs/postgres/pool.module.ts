import { Module } from '@nestjs/common';
import { StreamsModule } from 'nestjs-redis-streams/core';
import { postgres } from 'nestjs-redis-streams/postgres';
import { Pool } from 'pg';
import { Checkout } from './checkout.js';

/** The pool of the application. The driver does not end it. */
export const pool = new Pool({
  connectionString: process.env.DATABASE_URL,
  max: 20,
});

@Module({
  imports: [
    StreamsModule.forRoot({
      group: 'shop',
      slots: { messageSource: postgres({ pool }) },
    }),
  ],
  providers: [{ provide: Pool, useValue: pool }, Checkout],
})
export class AppModule {}
