// Every word of the visit page, in Spanish: `usted`, plain and neutral, as clinics in the United States write it.
import type { Words } from "./en";

const minutes = (n: number) => (n === 1 ? "1 minuto" : `${n} minutos`);

export const es: Words = {
  language: "es",
  direction: "ltr",
  pick: "Idioma",
  today: "Hoy",
  tomorrow: "Mañana",
  hours: (hours, rest) => `${hours} h ${rest} min`,
  minutes: (n) => (n < 90 ? `en ${minutes(n)}` : `en unas ${Math.round(n / 60)} horas`),

  title: "Su visita por video",
  titleCalled: "Su profesional de salud ya está aquí",
  titleMessage: "Un mensaje de su clínica",
  progress: (now) => `Paso ${now} de 4`,
  dots: ["Lugar correcto", "Cámara y sonido", "Todo listo", "Visita"],

  connecting: {
    heading: "Buscando su visita…",
    body: "Esto tarda un momento.",
    trouble: "Ahora no podemos comunicarnos con su clínica. Seguimos intentando. Revise que tenga internet.",
  },

  place: {
    heading: "Está en el lugar correcto",
    body: (organization) => `Esta es la sala de espera de su visita por video con ${organization}.`,
    clinician: (name) => `Le atenderá ${name}.`,
    as: {
      proxy: "Usted está aquí por una persona a su cuidado.",
      interpreter: "Usted está aquí como intérprete.",
      family: "Usted está aquí como acompañante del paciente.",
      colleague: "Usted está aquí como profesional de salud de otra clínica.",
    },
    plan: "Primero probamos su cámara y su sonido. Tarda más o menos un minuto.",
    start: "Empezar",
    notice: "De parte de su clínica",
  },

  practice: {
    title: "Prueba de cámara y sonido",
    heading: "Pruebe su cámara y su sonido",
    body: "Puede hacerlo cualquier día antes de su visita. Tarda más o menos un minuto.",
    nobody: "Es solo una prueba. No le avisa a su clínica que usted está aquí.",
    doneHeading: "Eso fue la prueba",
    done: "El día de su visita, ábrala desde su portal del paciente (por ejemplo, MyChart) o desde el enlace que le enviaron.",
    again: "Probar otra vez",
  },

  devices: {
    headingAsk: "Probemos su cámara y su sonido",
    ask: "Su navegador le preguntará si puede usar la cámara y el micrófono. Elija Permitir.",
    privacy: "Solo usted ve esta imagen. No se graba nada.",
    allow: "Encender mi cámara",
    asking: "Busque la pregunta de su navegador y elija Permitir.",
    skip: "Continuar sin cámara",
    headingOn: "¿Puede verse?",
    headingSound: "Probemos su sonido",
    preview: "La imagen de su propia cámara. Solo usted puede verla.",
    onlyYou: "Solo usted ve esto",
    noCamera: "Sin cámara",
    noCameraNote: "Su cámara está apagada. Puede continuar: le van a oír.",
    noMicrophone: "No encontramos ningún micrófono. No podrían oírle. Conecte uno o llame a la clínica.",
    meter: "Nivel del micrófono",
    meterText: (level) => (level < 8 ? "silencio" : level < 45 ? "bajo" : level < 80 ? "bien" : "alto"),
    speak: "Diga «Hola» en voz alta.",
    heard: "Le oímos.",
    quiet: "Todavía no le oímos. ¿Está apagado el micrófono? Hable más fuerte o elija otro abajo.",
    change: "Usar otra cámara u otro micrófono",
    camera: "Cámara",
    microphone: "Micrófono",
    continue: "Continuar",
    again: "Intentar otra vez",
    headingHelp: "Necesitamos su permiso",
    headingTrouble: "Eso no funcionó",
  },

  refused: {
    what: { both: "la cámara", camera: "la cámara", microphone: "el micrófono" },
    blocked: (what) => `El navegador no permite usar ${what}.`,
    blockedHow: {
      "chrome-desktop": "Haga clic en la cámara de la barra de direcciones, elija Permitir y presione Intentar otra vez.",
      "chrome-android": "Toque la cámara de la barra de direcciones y después Permitir. ¿No la ve? Toque el símbolo junto a la dirección y después Permisos.",
      "safari-ios": "Toque el símbolo junto a la dirección y después Configuración del sitio web. En Cámara y Micrófono elija Permitir.",
      "safari-mac": "En la barra de menús elija Safari y después Configuración para este sitio web. En Cámara y Micrófono elija Permitir.",
      firefox: "Toque la cámara o el candado junto a la dirección y quite el bloqueo. Después presione Intentar otra vez.",
      "other-ios": "Abra la app Configuración, busque su navegador en la lista y active Cámara y Micrófono.",
      "in-app": "Es posible que esta app no nos deje usar su cámara. Abra la visita otra vez en Safari o Chrome.",
      other: "Toque el candado junto a la dirección y permita la cámara y el micrófono. Después presione Intentar otra vez.",
    },
    system: (what) => `Su teléfono o computadora no deja que este navegador use ${what}.`,
    systemHow: "Abra Configuración, después Privacidad, y active Cámara y Micrófono para este navegador. Después vuelva aquí.",
    none: (what) => `No encontramos ${what}.`,
    noneHow: "Conecte el aparato y presione Intentar otra vez, o continúe sin él.",
    busy: (what) => `Otra app está usando ${what}.`,
    busyHow: "Cierre otras videollamadas y apps de cámara. Después presione Intentar otra vez.",
    unplugged: (what) => `Dejó de funcionar ${what}.`,
    unpluggedHow: "¿Se desconectó o se apagó? Vuelva a conectarlo y presione Intentar otra vez.",
    unsupported: () => "Este navegador no puede usar su cámara.",
    unsupportedHow: "Abra la visita otra vez en Safari, Chrome, Edge o Firefox.",
  },

  speaker: {
    heading: "¿Puede oír esto?",
    body: "Presione el botón. Debería oír dos notas suaves.",
    play: "Escuchar el sonido",
    question: "¿Oyó dos notas suaves?",
    yes: "Sí, las oí",
    no: "No las oí",
    again: "Escucharlo otra vez",
    skip: "Continuar sin esta prueba",
    headingHelp: "Busquemos su sonido",
    help: [
      "Suba el volumen.",
      "En un teléfono: ¿está en silencio? Active el sonido.",
      "¿Usa audífonos o aparatos auditivos? El sonido puede salir por ahí, o pueden estar apagados.",
    ],
    anyway: "Continuar sin sonido",
  },

  checked: {
    heading: "Su prueba",
    allGood: "Todo funciona.",
    someWeak: "Puede continuar. Esto podría mejorar:",
    probing: "Revisando su conexión…",
    probingLong: "Revisando su conexión. Tarda unos segundos…",
    names: { camera: "Cámara", microphone: "Micrófono", speaker: "Sonido", connection: "Conexión" },
    words: {
      untested: "Sin probar",
      good: "Funciona",
      weak: "Débil",
      refused: "Sin permiso",
      missing: "No se encontró",
      failed: "No funciona",
      unknown: "Sin probar",
    },
    advice: {
      camera: "Puede continuar sin imagen. Para arreglarlo, presione Probar otra vez.",
      microphone: "Es posible que no le oigan. ¿Está apagado o tapado el micrófono? También puede usar un teléfono.",
      speaker: "Es posible que no oiga bien. Suba el volumen o use audífonos.",
      connectionWeak: "Su internet es lento y la imagen puede detenerse. Acérquese a su wifi. Pida a los demás que no vean videos por ahora.",
      connectionFailed: "La revisión no llegó a la clínica. ¿Tiene activado el wifi o los datos móviles? Si puede, pruebe otra red.",
    },
    again: "Probar otra vez",
    continue: "Continuar",
  },

  trouble: { again: "Intentar otra vez", back: "Ya funciona otra vez." },

  tooEarly: {
    heading: "Llegó temprano. No hay problema.",
    opens: "Podrá presionar «Todo listo» a partir de esta hora:",
    stay: "Deje esta página abierta. El botón aparecerá solo.",
    back: "O ciérrela y abra la visita más tarde.",
    test: "Probar cámara y sonido",
  },

  ready: {
    heading: "¿Todo listo?",
    body: "Busque un lugar tranquilo donde nadie pueda escuchar. Después presione el botón y avisaremos a su equipo médico.",
    consent: "Al presionar «Todo listo», usted acepta lo siguiente:",
    button: "Todo listo",
    sending: "Avisando a su equipo médico…",
    unreachable: "El aviso no llegó a su clínica. Revise su internet y presione el botón otra vez.",
    notNow: "No funcionó en este momento. Presione el botón otra vez, por favor.",
    test: "Probar cámara y sonido otra vez",
  },

  waiting: {
    heading: "Está en la sala de espera",
    told: {
      telling: ["Avisando a su equipo médico…", "Tarda unos segundos. Deje esta página abierta, por favor."],
      clinician: ["Su profesional de salud ya sabe que usted está esperando.", "La visita empezará aquí sola. Deje esta página abierta, por favor."],
      "front-desk": [
        "Su profesional de salud todavía no se ha conectado. La recepción ya sabe que usted está esperando.",
        "Buscarán a su profesional de salud. Deje esta página abierta, por favor.",
      ],
      nobody: [
        "Todavía no se ha conectado nadie de su equipo médico.",
        "Les avisaremos en cuanto se conecten. Usted no tiene que hacer nada. Si le preocupa, llame a la clínica.",
      ],
      guest: ["Todo está listo.", "La visita empezará aquí sola. Deje esta página abierta, por favor."],
    },
    clock: "Tiempo de espera",
    late: (time) => `Su profesional de salud va con retraso. Calcula atenderle más o menos a esta hora: ${time.replace(/\.$/, "")}.`,
    lateSoon: "Su profesional de salud va con retraso y debería llegar en cualquier momento.",
    wrong: "¿Hay algún problema?",
    help: [
      "¿Se siente muy mal? No espere. Llame al número de emergencias de su zona.",
      "¿Se apagó la pantalla? Abra esta página otra vez. No pierde su lugar.",
    ],
    test: "Probar cámara y sonido otra vez",
    cameraOff: "Apagar la cámara",
    leave: "Salir",
  },

  help: {
    button: "Necesito ayuda",
    asked: "Su clínica sabe que usted necesita ayuda. Alguien le escribirá aquí o le llamará. Deje esta página abierta, por favor.",
    failed: "El aviso no llegó a su clínica. Presione el botón otra vez o llame a la clínica.",
  },

  messages: {
    heading: "De su clínica",
    answer: "Su respuesta",
    answered: (answer) => `Usted respondió: ${answer}`,
    failed: "Su respuesta no llegó a la clínica. Presiónela otra vez, por favor.",
    presets: {
      "running-late": (n) => `Vamos con retraso: más o menos ${minutes(n)}.`,
      "almost-ready": () => "Le atenderemos en un momento.",
      "please-stay": () => "Quédese en esta página, por favor.",
      "check-sound": () => "Revise que su sonido esté activado, por favor.",
      "check-camera": () => "Revise su cámara, por favor.",
      "we-will-phone": () => "Le llamaremos por teléfono.",
      "please-return": () => "Vuelva a esta página y presione «Todo listo», por favor.",
      unknown: () => "Su clínica le envió un mensaje que esta página no puede mostrar. Llame a la clínica, por favor.",
    },
    answers: {
      ok: "De acuerdo",
      "can-wait": "Puedo esperar",
      "cannot-wait": "No puedo esperar",
      done: "Ya funciona",
      "need-help": "Necesito ayuda",
      unknown: "Otra respuesta",
    },
  },

  leave: {
    question: "¿Quiere salir?",
    body: "Le diremos a su equipo médico que usted ya no está esperando. ¿Solo cierra la página un momento? Entonces no hace falta salir.",
    yes: "Sí, salir",
    stay: "No, sigo esperando",
    failed: "El aviso no llegó a su clínica. Revise su internet y presione el botón otra vez.",
  },

  left: {
    heading: "Salió de la sala de espera",
    body: "Su equipo médico ve que usted ya no está esperando.",
    more: "¿Cambió de idea? Puede volver mientras su visita no haya terminado.",
    back: "Volver",
  },

  anotherDevice: {
    heading: "Su visita está abierta en otro dispositivo",
    body: "No ha perdido su lugar. Solo un dispositivo a la vez puede guardarlo, para que le llamen en el correcto.",
    use: "Usar este dispositivo",
    failed: "No funcionó en este momento. Revise su internet y presione el botón otra vez.",
    keep: "¿Prefiere seguir en el otro? Entonces puede cerrar esta página.",
  },

  called: {
    heading: "Su profesional de salud ya está aquí",
    opens: (seconds) => (seconds === 1 ? "La visita se abre en 1 segundo." : `La visita se abre en ${seconds} segundos.`),
    opening: "Abriendo la visita…",
    held: "Tómese su tiempo. Presione el botón cuando quiera empezar.",
    next: "Qué pasa ahora",
    teams: "Teams le pedirá otra vez permiso para la cámara y el micrófono. Elija Permitir.",
    name: "Si Teams le pide un nombre, basta con su primer nombre.",
    groupName: "Hay otros pacientes en esta visita. Si Teams le pide un nombre, use uno inventado, por ejemplo «Invitado».",
    lobby: "Después le dejarán entrar.",
    open: "Abrir la visita",
    hold: "Un momento",
    linkRefused: "El enlace de su visita no funciona. Llame a la clínica, por favor.",
  },

  inMeeting: {
    heading: "Su visita está abierta",
    body: "¿Salió sin querer? Puede volver a entrar.",
    back: "Volver a la visita",
    done: "¿Ya terminó? Entonces puede cerrar esta página.",
  },

  ended: {
    heading: "Su visita terminó",
    body: "¿Sigue en la reunión de Teams? Salga también de la reunión. Ya puede cerrar esta página.",
    more: "¿Tiene alguna pregunta? Llame a la clínica o escriba desde su portal del paciente.",
  },

  cancelled: {
    heading: "Esta visita se canceló o se cambió",
    body: "No tiene que esperar aquí.",
    more: "¿Se cambió? Ábrala otra vez donde abrió esta. ¿No lo esperaba? Llame a la clínica.",
  },

  gone: {
    heading: "Abra la visita otra vez",
    body: "Esta página estuvo abierta demasiado tiempo, o la visita se abrió de nuevo. Por su seguridad, deja de funcionar después de un rato.",
    more: "Vaya a su portal del paciente (por ejemplo, MyChart), o al enlace que le enviaron, y abra su visita desde ahí.",
    again: "Intentar una vez más",
  },

  network: {
    offline: "Su dispositivo no tiene conexión. Revise su wifi o sus datos móviles.",
    lost: "Se perdió la conexión. Estamos conectando otra vez.",
    keepPlace: "No pierde su lugar.",
    back: "Ya tiene conexión otra vez.",
  },
};
