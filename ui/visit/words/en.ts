// Every word of the visit page, in English, at a twelve-year-old's reading level. A translation is one more file of the
// same type, named in `languages.ts`. No name of a person stands here; organization, clinician and times are arguments.
export const en = {
  language: "en",
  direction: "ltr" as "ltr" | "rtl",
  pick: "Language",
  today: "Today",
  tomorrow: "Tomorrow",
  hours: (hours: number, minutes: string) => `${hours} h ${minutes} min`,
  minutes: (n: number) => (n === 1 ? "in 1 minute" : n < 90 ? `in ${n} minutes` : `in about ${Math.round(n / 60)} hours`),

  title: "Your video visit",
  titleCalled: "Your clinician is here",
  titleMessage: "A message from your clinic",
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
    clinician: (name: string) => `You will see ${name}.`,
    as: {
      proxy: "You are here for someone in your care.",
      interpreter: "You are here as the interpreter.",
      family: "You are here as a guest of the patient.",
      colleague: "You are here as a clinician from another clinic.",
    },
    plan: "First we check your camera and sound. It takes about a minute.",
    start: "Start",
    notice: "From your clinic",
  },

  practice: {
    title: "Camera and sound test",
    heading: "Test your camera and sound",
    body: "Do this any day before your visit. It takes about a minute.",
    nobody: "This is only a test. It does not tell your clinic that you are here.",
    doneHeading: "That was the test",
    done: "On the day of your visit, open it from your patient portal (such as MyChart) or from the link you were sent.",
    again: "Test once more",
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
    meterText: (level: number): string => (level < 8 ? "quiet" : level < 45 ? "soft" : level < 80 ? "good" : "loud"),
    speak: "Say “Hello” out loud.",
    heard: "We can hear you.",
    quiet: "We can’t hear you yet. Is your microphone muted? Speak up, or choose another one below.",
    change: "Use another camera or microphone",
    camera: "Camera",
    microphone: "Microphone",
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
      "chrome-android": "Tap the camera in the address bar, then Allow. No camera there? Tap the sign beside the address, then Permissions.",
      "safari-ios": "Tap the sign beside the address, then Website Settings. Set Camera and Microphone to Allow.",
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
    unplugged: (what: string) => `Your ${what} has stopped.`,
    unpluggedHow: "Was it unplugged or switched off? Put it back, then press Try again.",
    unsupported: () => "This browser can’t use your camera.",
    unsupportedHow: "Open the visit again in Safari, Chrome, Edge or Firefox.",
  },

  speaker: {
    heading: "Can you hear this?",
    body: "Press the button. You should hear two soft notes.",
    play: "Play the sound",
    question: "Did you hear two soft notes?",
    yes: "Yes, I heard them",
    no: "No, I did not",
    again: "Play it again",
    skip: "Continue without this test",
    headingHelp: "Let’s find your sound",
    help: [
      "Turn the volume up.",
      "On a phone: is it on silent? Turn the sound on.",
      "Headphones or hearing aids? The sound may go there, or they may be off.",
    ],
    anyway: "Continue without sound",
  },

  checked: {
    heading: "Your test",
    allGood: "Everything works.",
    someWeak: "You can go on. This could be better:",
    probing: "Checking your connection…",
    probingLong: "Checking your connection. This takes a few seconds…",
    names: { camera: "Camera", microphone: "Microphone", speaker: "Sound", connection: "Connection" },
    words: {
      untested: "Not tested",
      good: "Works",
      weak: "Weak",
      refused: "Blocked",
      missing: "Not found",
      failed: "Does not work",
      unknown: "Not tested",
    },
    advice: {
      camera: "You can go on without a picture. To fix it, press Test again.",
      microphone: "Your clinician may not hear you. Is it muted or covered? Or use a phone instead of this device.",
      speaker: "You may not hear your clinician. Turn the volume up, or use headphones.",
      connectionWeak: "Your internet is slow, so the picture may stop. Move closer to your Wi-Fi. Ask others to stop videos for now.",
      connectionFailed: "Our check did not get through. Is your Wi-Fi or mobile data on? If you can, try another network.",
    },
    again: "Test again",
    continue: "Continue",
  },

  trouble: { again: "Try again", back: "It works again." },

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
    consent: "By pressing “I’m ready” you agree to this:",
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
      guest: ["You are all set.", "The visit starts here by itself. Please keep this page open."],
    },
    clock: "Waiting for",
    late: (time: string) => `Your clinician is running late. They expect to see you at about ${time}.`,
    lateSoon: "Your clinician is running late, and should be here any minute now.",
    wrong: "Is something wrong?",
    help: [
      "Feeling very ill? Do not wait. Call your local emergency number.",
      "Screen went dark? Open this page again. You keep your place.",
    ],
    test: "Check camera and sound again",
    cameraOff: "Turn camera off",
    leave: "Leave",
  },

  help: {
    button: "I need help",
    asked: "Your clinic knows that you need help. Somebody will write here or call you. Please keep this page open.",
    failed: "That did not reach your clinic. Press the button again, or call the clinic.",
  },

  messages: {
    heading: "From your clinic",
    answer: "Your answer",
    answered: (answer: string) => `You answered: ${answer}`,
    failed: "Your answer did not reach the clinic. Please press it again.",
    presets: {
      "running-late": (minutes: number) =>
        minutes === 1 ? "We are running late: about 1 minute." : `We are running late: about ${minutes} minutes.`,
      "almost-ready": () => "We will be with you in a moment.",
      "please-stay": () => "Please stay on this page.",
      "check-sound": () => "Please check that your sound is on.",
      "check-camera": () => "Please check your camera.",
      "we-will-phone": () => "We will call you on the phone.",
      "please-return": () => "Please come back to this page and press “I’m ready”.",
      unknown: () => "Your clinic has sent you a message that this page cannot show. Please call the clinic.",
    },
    answers: {
      ok: "OK",
      "can-wait": "I can wait",
      "cannot-wait": "I can’t wait",
      done: "It works now",
      "need-help": "I need help",
      unknown: "Another answer",
    },
  },

  leave: {
    question: "Do you want to leave?",
    body: "We will tell your care team that you are no longer waiting. Only closing the page for a moment? Then you need not leave.",
    yes: "Yes, leave",
    stay: "No, keep waiting",
    failed: "That did not reach your clinic. Check your internet, then press the button again.",
  },

  left: {
    heading: "You have left the waiting room",
    body: "Your care team can see that you are no longer waiting.",
    more: "Changed your mind? You can come back as long as your visit is not over.",
    back: "Come back",
  },

  anotherDevice: {
    heading: "Your visit is open on another device",
    body: "You have not lost your place. Only one device can hold it at a time, so that your clinician calls the right one.",
    use: "Use this device",
    failed: "That did not work just now. Check your internet, then press the button again.",
    keep: "Want to stay with the other one? Then you can close this page.",
  },

  called: {
    heading: "Your clinician is here",
    opens: (seconds: number) => (seconds === 1 ? "The visit opens in 1 second." : `The visit opens in ${seconds} seconds.`),
    opening: "Opening the visit…",
    held: "Take your time. Press the button when you are set.",
    next: "What happens next",
    teams: "Teams will ask once more for your camera and microphone. Choose Allow.",
    name: "If Teams asks for a name, your first name is enough.",
    groupName: "Other patients are in this visit. If Teams asks for a name, use a made-up one, such as “Guest”.",
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
    body: "Are you still in the meeting in Teams? Please leave it there. You can close this page now.",
    more: "Do you still have a question? Call the clinic, or write to them in your patient portal.",
  },

  cancelled: {
    heading: "This visit was called off or moved",
    body: "You do not need to wait here.",
    more: "Was it moved? Open it once more, where you opened this one. Is this a surprise? Call the clinic.",
  },

  gone: {
    heading: "Open the visit again",
    body: "This page was open for too long, or the visit was opened again. To keep you safe, it stops working after a while.",
    more: "Go to your patient portal (such as MyChart), or to the link you were sent, and open your visit there.",
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
