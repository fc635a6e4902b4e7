// The `ws` package on Node.js: `echo`, `deflate` (an echo that compresses as it does by default), or `fan-out`, every
// message to everybody.
'use strict';

const { WebSocketServer } = require('ws');

const [, , service] = process.argv;
const fanOut = service === 'fan-out';
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: service === 'deflate' });
server.on('listening', () => console.log(`listening on http://127.0.0.1:${server.address().port}/`));
server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (message, binary) => {
    if (!fanOut) {
      socket.send(message, { binary });
      return;
    }
    for (const member of server.clients) {
      member.send(message, { binary });
    }
  });
});
