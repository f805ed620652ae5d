// The capture container of `limen.capture.container`: deterministic CBOR (RFC 8949, 4.2.1).

export function head(major, value) {
  if (value < 24) return Uint8Array.of((major << 5) | value);
  if (value < 0x100) return Uint8Array.of((major << 5) | 24, value);
  if (value < 0x10000) return Uint8Array.of((major << 5) | 25, value >> 8, value & 0xff);
  if (value < 0x100000000) {
    return Uint8Array.of((major << 5) | 26, value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
  }
  const long = new DataView(new ArrayBuffer(9));
  long.setUint8(0, (major << 5) | 27);
  long.setBigUint64(1, BigInt(value));
  return new Uint8Array(long.buffer);
}

export function bytes(data) {
  return join([head(2, data.length), data]);
}

export function text(word) {
  const encoded = new TextEncoder().encode(word);
  return join([head(3, encoded.length), encoded]);
}

export function join(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

// samples: [{modality, position, image: Uint8Array, face}, ...] with the numbers of `limen.terms`; face: 0 or which.
// signed: a device's signature under them (device.js), or null.
export function encode(samples, signed = null) {
  const device = signed ? [text("device"), bytes(signed)] : [];
  const parts = [head(5, signed ? 3 : 2), text("v"), head(0, 1), ...device, text("samples"), head(4, samples.length)];
  for (const sample of samples) {
    parts.push(
      head(5, sample.face ? 4 : 3),
      ...(sample.face ? [text("face"), head(0, sample.face)] : []),
      text("image"), head(2, sample.image.length), sample.image,
      text("modality"), head(0, sample.modality),
      text("position"), head(0, sample.position),
    );
  }
  return join(parts);
}
