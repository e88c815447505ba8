import { openDevice } from '../sdk/index.js';

// A further device of somebody's account: shows a code, which another device of the account takes (`device.devices.link(code)`, or `/link CODE` in `heliograph chat`).
const [server = 'http://127.0.0.1:8080', directory = '.heliograph-devices/second'] = process.argv.slice(2);
const device = await openDevice({
  server,
  directory,
  deviceName: 'second device',
  link: {
    onCode: (code) => console.log(`code ${code}`),
    onCheckDigits: (digits) => console.log(`both devices show ${digits}`),
  },
});

device.on('message', async ({ sender, content }) => {
  if (content.type === 'text') console.log(`${await device.handleOf(sender.accountId)}: ${content.text}`);
});
device.on('read-elsewhere', ({ position }) => console.log(`read up to ${position} on another device`));
device.on('stopped', () => console.log('this device was unlinked'));
device.connect();
for (const { name, isThis } of await device.devices.list()) console.log(isThis ? `${name} (this one)` : name);
