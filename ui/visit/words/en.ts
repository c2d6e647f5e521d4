// Every word of the visit page, in English, at a twelve-year-old's reading level. A translation is one more file of the
// same type. No name of a person ever stands here; the organization's name and times come in as arguments.
export const en = {
  language: "en",
  today: "Today",
  tomorrow: "Tomorrow",
  hours: (hours: number, minutes: string) => `${hours} h ${minutes} min`,
  minutes: (n: number) => (n === 1 ? "in 1 minute" : n < 90 ? `in ${n} minutes` : `in about ${Math.round(n / 60)} hours`),

  title: "Your video visit",
  titleCalled: "Your clinician is here",
  progress: (now: number) => `Step ${now} of 4`,
  dots: ["Right place", "Camera and sound", "Ready", "Visit"],

  connecting: {
    heading: "Getting your visit…",
    body: "This takes a moment.",
    trouble: "We cannot reach your clinic right now. We keep trying. Please check that your internet is on.",
  },

  place: {
    heading: "You are in the right place",
    body: (organization: string) => `This is the waiting room for your video visit with ${organization}.`,
    plan: "First we check your camera and sound. It takes about a minute.",
    start: "Start",
  },

  devices: {
    headingAsk: "Let’s check your camera and sound",
    ask: "Your browser will ask if it may use your camera and microphone. Choose Allow.",
    privacy: "Only you can see this picture. Nothing is recorded.",
    allow: "Turn on my camera",
    asking: "Look for a question from your browser, and choose Allow.",
    skip: "Continue without camera",
    headingOn: "Can you see yourself?",
    headingSound: "Let’s check your sound",
    preview: "Your own camera picture. Only you can see it.",
    onlyYou: "Only you can see this",
    noCamera: "No camera",
    noCameraNote: "Your camera is off. You can still go on: your clinician will hear you.",
    noMicrophone: "We found no microphone. Your clinician would not hear you. Plug one in, or call the clinic.",
    meter: "Microphone level",
    meterText: (level: number) => (level < 8 ? "quiet" : level < 45 ? "soft" : level < 80 ? "good" : "loud"),
    speak: "Say “Hello” out loud.",
    heard: "We can hear you.",
    quiet: "We can’t hear you yet. Is your microphone muted? Speak up, or choose another one below.",
    change: "Use another camera or microphone",
    camera: "Camera",
    microphone: "Microphone",
    numbered: (kind: string, n: number) => `${kind} ${n}`,
    sound: "Play a test sound",
    played: "Did you hear two soft notes? If not, turn the volume up.",
    continue: "Continue",
    again: "Try again",
    headingHelp: "We need your OK",
    headingTrouble: "That did not work",
  },

  refused: {
    what: { both: "camera", camera: "camera", microphone: "microphone" },
    blocked: (what: string) => `Your ${what} is blocked.`,
    blockedHow: {
      "chrome-desktop": "Click the camera in the address bar, choose Allow, then press Try again.",
      "chrome-android": "Tap the camera in the address bar, then Allow. No camera there? Tap the sign left of the address, then Permissions.",
      "safari-ios": "Tap the sign left of the address, then Website Settings. Set Camera and Microphone to Allow.",
      "safari-mac": "In the menu bar choose Safari, then Settings for This Website. Set Camera and Microphone to Allow.",
      firefox: "Tap the camera or the lock beside the address and take the block away. Then press Try again.",
      "other-ios": "Open the Settings app, find your browser in the list, and switch on Camera and Microphone.",
      "in-app": "This app may not let us use your camera. Open the visit again in Safari or Chrome.",
      other: "Tap the lock beside the address and allow the camera and microphone. Then press Try again.",
    },
    system: (what: string) => `Your phone or computer keeps the ${what} from this browser.`,
    systemHow: "Open Settings, then Privacy, and switch on Camera and Microphone for this browser. Then come back here.",
    none: (what: string) => `We found no ${what}.`,
    noneHow: "Plug one in and press Try again, or go on without it.",
    busy: (what: string) => `Another app is using your ${what}.`,
    busyHow: "Close other video calls and camera apps. Then press Try again.",
    unsupported: () => "This browser can’t use your camera.",
    unsupportedHow: "Open the visit again in Safari, Chrome, Edge or Firefox.",
  },

  tooEarly: {
    heading: "You are early. That’s fine.",
    opens: "You can say you are ready from",
    stay: "Keep this page open. The button will come by itself.",
    back: "Or close it and open the visit again later.",
    test: "Check camera and sound",
  },

  ready: {
    heading: "Are you ready?",
    body: "Find a quiet place where nobody can listen in. Then press the button, and we tell your care team.",
    button: "I’m ready",
    sending: "Telling your care team…",
    unreachable: "That did not reach your clinic. Check your internet, then press the button again.",
    notNow: "That did not work just now. Please press the button again.",
    test: "Check camera and sound again",
  },

  waiting: {
    heading: "You are in the waiting room",
    // One pair of sentences for whoever has been told: the page claims no more than is so.
    told: {
      telling: ["Telling your care team…", "This takes a few seconds. Please keep this page open."],
      clinician: ["Your clinician has been told you are ready.", "The visit starts here by itself. Please keep this page open."],
      "front-desk": [
        "Your clinician is not signed in yet. The front desk has been told you are ready.",
        "They will look for your clinician. Please keep this page open.",
      ],
      nobody: [
        "Nobody from your care team is signed in yet.",
        "We will tell them the moment they are. You do not need to do anything. If you are worried, call the clinic.",
      ],
    },
    clock: "Waiting for",
    wrong: "Is something wrong?",
    help: [
      "Feeling very ill? Do not wait. Call your local emergency number.",
      "Waiting much longer than planned? Call the clinic.",
      "Screen went dark? Open this page again. You keep your place.",
    ],
    test: "Check camera and sound again",
    cameraOff: "Turn camera off",
  },

  called: {
    heading: "Your clinician is here",
    opens: (seconds: number) => (seconds === 1 ? "The visit opens in 1 second." : `The visit opens in ${seconds} seconds.`),
    opening: "Opening the visit…",
    held: "Take your time. Press the button when you are set.",
    next: "What happens next",
    teams: "Teams will ask once more for your camera and microphone. Choose Allow.",
    name: "If Teams asks for a name, your first name is enough.",
    lobby: "Then your clinician lets you in.",
    open: "Open the visit",
    hold: "Wait a moment",
    linkRefused: "The link to your visit does not work. Please call the clinic.",
  },

  inMeeting: {
    heading: "Your visit is open",
    body: "Did you leave it by mistake? You can go back in.",
    back: "Go back to the visit",
    done: "All done? Then you can close this page.",
  },

  ended: {
    heading: "Your visit is over",
    body: "You can close this page now.",
    more: "Do you still have a question? Call the clinic, or write to them in MyChart.",
  },

  cancelled: {
    heading: "This visit was called off",
    body: "You do not need to wait here.",
    more: "Is that a surprise? Call the clinic, or look in MyChart for a new time.",
  },

  gone: {
    heading: "Open the visit again from MyChart",
    body: "This page was open for too long, or was opened on another device. To keep you safe, it stops working after a while.",
    more: "Go to MyChart, find your visit, and press the button to begin.",
    again: "Try once more",
  },

  network: {
    offline: "Your device is offline. Check your Wi-Fi or mobile data.",
    lost: "The connection was lost. We are connecting again.",
    keepPlace: "You keep your place.",
    back: "You are connected again.",
  },
};

export type Words = typeof en;
