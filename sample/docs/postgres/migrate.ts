import { migrate } from 'nestjs-redis-streams/postgres';

/** A step of the deployment, before the application starts. */
export async function deploy(): Promise<void> {
  const { from, to } = await migrate({ url: process.env.OWNER_URL });
  console.log(`schema streams: version ${from} is now ${to}`);
}
