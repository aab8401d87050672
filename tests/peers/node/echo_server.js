// lgen.echo.Echo over @grpc/grpc-js: the same server as ../echo_grpcio.py, which says what it answers to; only that
// this library cannot compress what a server sends. `node echo_server.js PROTO_DIR PEERS_DIR`
'use strict';

const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const protobuf = require('protobufjs');

const [protoDir, peersDir] = process.argv.slice(2);
const { lgen } = grpc.loadPackageDefinition(
  protoLoader.loadSync(path.join(protoDir, 'echo.proto'), { keepCase: true, longs: Number, defaults: true }));
const richErrors = protobuf.loadSync(path.join(peersDir, 'rpc_status.proto'));
const Status = richErrors.lookupType('google.rpc.Status');
const ErrorInfo = richErrors.lookupType('google.rpc.ErrorInfo');

// What the server has seen, for the line at its end.
const ledger = { calls: {}, read: {}, written: {} };

function count(name, key) {
  ledger[name][key] = (ledger[name][key] || 0) + 1;
}

// The metadata with this prefix.
function askedFor(metadata, prefix) {
  const found = new grpc.Metadata();
  for (const key of Object.keys(metadata.getMap()).filter((key) => key.startsWith(prefix))) {
    for (const value of metadata.get(key)) found.add(key, value);
  }
  return found;
}

// The bytes of a google.rpc.Status for a request that asks for a failure.
function richStatus(request, reason) {
  const info = ErrorInfo.encode({ reason, domain: 'grpc-js', metadata: { cost: '42' } }).finish();
  const detail = { type_url: 'type.googleapis.com/google.rpc.ErrorInfo', value: info };
  return Buffer.from(
    Status.encode({ code: request.status_code, message: request.status_message, details: [detail] }).finish());
}

// What the caller sends. Iterating over `call` itself would destroy it at the end, with what is still to be written.
function messages(call) {
  return call.iterator({ destroyOnReturn: false });
}

// One call: what was read and answered so far, and how it ends.
class Conversation {
  constructor(name, call) {
    this.method = `lgen.echo.Echo/${name}`;
    this.call = call;
    this.messages = this.bytes = this.replies = 0;
    this.ended = false;
    this.gone = new Promise((resolve) => {
      call.on('cancelled', () => {
        this.end('CANCELLED');
        resolve();
      });
    });
    const headers = askedFor(call.metadata, 'echo-');
    headers.set('x-backend', 'grpc-js');
    headers.set('x-user-agent', call.metadata.get('user-agent')[0]);
    call.sendMetadata(headers);
    this.trailers = askedFor(call.metadata, 'trail-');
  }

  read(request) {
    count('read', this.method);
    this.messages += 1;
    this.bytes += request.payload.length;
  }

  // Waits as the request asks; false when the caller has gone meanwhile.
  async waits(request) {
    if (this.ended || !request.delay_seconds) return !this.ended;
    let timer;
    const delay = new Promise((resolve) => { timer = setTimeout(resolve, request.delay_seconds * 1000); });
    await Promise.race([delay, this.gone]);
    clearTimeout(timer);
    return !this.ended;
  }

  // The failure the request asks for, or null.
  failure(request) {
    if (!request.status_code) return null;
    const metadata = this.trailers.clone();
    for (const reason of this.call.metadata.get('fail-reason')) {
      metadata.set('grpc-status-details-bin', richStatus(request, reason));
    }
    return { code: request.status_code, details: request.status_message, metadata };
  }

  reply(request) {
    count('written', this.method);
    this.replies += 1;
    return {
      payload: request.reply_size ? Buffer.alloc(request.reply_size, 'x') : request.payload,
      sequence: this.replies, messages_seen: this.messages, payload_bytes_seen: this.bytes,
      pod: 'grpc-js', peer: this.call.getPeer(),
    };
  }

  end(code) {
    if (this.ended) return;
    this.ended = true;
    count('calls', `${this.method} ${code}`);
  }

  // Ends the call with the failure if there is one; says whether there was.
  failed(failure, finish) {
    if (!failure) return false;
    this.end(grpc.status[failure.code]);
    finish(failure);
    return true;
  }
}

const service = {
  async Unary(call, callback) {
    const talk = new Conversation('Unary', call);
    talk.read(call.request);
    if (!await talk.waits(call.request) || talk.failed(talk.failure(call.request), callback)) return;
    const reply = talk.reply(call.request);
    talk.end('OK');
    callback(null, reply, talk.trailers);
  },

  async ClientStream(call, callback) {
    const talk = new Conversation('ClientStream', call);
    let last = { payload: Buffer.alloc(0) };
    try {
      for await (last of messages(call)) {
        talk.read(last);
        if (!await talk.waits(last) || talk.failed(talk.failure(last), callback)) return;
      }
    } catch {
      return talk.end('CANCELLED');
    }
    if (talk.ended) return;
    const reply = talk.reply(last);
    talk.end('OK');
    callback(null, reply, talk.trailers);
  },

  async ServerStream(call) {
    const talk = new Conversation('ServerStream', call);
    talk.read(call.request);
    for (let n = 0; n < (call.request.replies || 1); ++n) {
      const fail = (failure) => call.emit('error', failure);
      if (!await talk.waits(call.request) || talk.failed(talk.failure(call.request), fail)) return;
      call.write(talk.reply(call.request));
    }
    talk.end('OK');
    call.end(talk.trailers);
  },

  async BidiStream(call) {
    const talk = new Conversation('BidiStream', call);
    try {
      for await (const request of messages(call)) {
        talk.read(request);
        const fail = (failure) => call.emit('error', failure);
        if (!await talk.waits(request) || talk.failed(talk.failure(request), fail)) return;
        call.write(talk.reply(request));
      }
    } catch {
      return talk.end('CANCELLED');
    }
    if (talk.ended) return;
    talk.end('OK');
    call.end(talk.trailers);
  },
};

const server = new grpc.Server();
server.addService(lgen.echo.Echo.service, service);
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(`listening on ${port}`);
});

process.on('SIGTERM', () => server.tryShutdown(() => {
  console.log(JSON.stringify(ledger));
  process.exit(0);
}));
