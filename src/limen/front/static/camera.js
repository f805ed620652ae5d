// The camera as a viewfinder; one frame of it as a JPEG in memory. Nothing is kept on the device.

const QUALITY = 0.95; // of the JPEG: below, faces lose detail that the extractor uses
const WIDTH = 1280; // pixels wanted; a face at arm's length then has some 300 px

export class Camera {
  constructor(video) {
    this.video = video;
    this.facing = "environment";
    this.stream = null;
  }

  async start() {
    this.stop();
    this.stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: { ideal: this.facing }, width: { ideal: WIDTH } },
      audio: false,
    });
    this.video.srcObject = this.stream;
    await this.video.play();
  }

  async other() {
    this.facing = this.facing === "environment" ? "user" : "environment";
    await this.start();
  }

  async frame() {
    const canvas = document.createElement("canvas");
    canvas.width = this.video.videoWidth;
    canvas.height = this.video.videoHeight;
    canvas.getContext("2d").drawImage(this.video, 0, 0);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    canvas.width = canvas.height = 0; // frees the pixels now
    return blob;
  }

  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }
}
