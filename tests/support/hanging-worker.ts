import { NativeConnection, Worker } from '@temporalio/worker';
import { Context } from '@temporalio/activity';
import { drainTaskQueue } from './drain-task-queue.js';

/** A worker process whose activities begin, say so, and never end: `node --import tsx tests/support/hanging-worker.ts ADDRESS BUNDLE`. */
const [address, codePath] = process.argv.slice(2);
if (address === undefined || codePath === undefined) throw new Error('usage: hanging-worker.ts ADDRESS BUNDLE');

const hang = async () => {
  Context.current().heartbeat();
  console.log('begun');
  await Context.current().cancelled;
};
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue: drainTaskQueue,
  workflowBundle: { codePath },
  activities: { drainDevices: hang, expireMedia: hang },
});
await worker.run();
