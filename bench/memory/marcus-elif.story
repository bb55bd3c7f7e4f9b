# Written by hand after the word lists, to see what they are worth on other matters.
@ 2023-03-04 12:10
Marcus: Elif!! I saw your post. Is it true?
#1 Elif: It is! We're expecting, due at the end of August. I wanted to tell you in person but the picture slipped out.
Marcus: I'm over the moon for you two. How are you feeling?
#2 Elif: Sick as a dog every morning, but happy. Deniz has read four parenting manuals already.
Marcus: That sounds exactly like him. Boy or girl?
#3 Elif: We don't want to know. My grandmother swears it's a girl because of the way I carry my coffee cup.
Marcus: Science. How's the band, will you keep playing?
#4 Elif: As long as the bass still fits in front of me. We've got a gig at the Blue Lantern on March 18.
Marcus: I'll be there. I need a night out anyway.
#5 Marcus: I'm still waiting to hear back from the fire department. The physical was brutal, I threw up after the stairs.
Elif: You did it in full gear though! When will they tell you?
#6 Marcus: By mid-April, they said. If it's a no, I'll stay at the warehouse another year and try again.
Elif: It won't be a no. You've wanted this since we were kids.
#7 Marcus: Since your kitchen caught fire in fifth grade, to be precise.
Elif: Never speak of the popcorn again.
? When is Elif's baby due? = 1
? How is Elif's pregnancy going? = 2
? Who thinks the baby will be a girl? = 3
? Which instrument does Elif play? = 4
? When is Elif's band performing at the Blue Lantern? = 4
? What profession does Marcus hope to enter? = 5
? When will Marcus know the result of his application? = 6
? Where is Marcus employed at the moment? = 6
? What inspired Marcus to become a firefighter? = 7
@ 2023-03-19 11:30
Marcus: My ears are still ringing. You were on fire last night! No pun intended.
#8 Elif: Thank you! The baby kicked for the first time during the encore. I almost dropped the pick.
Marcus: A musician already. Who was the tall guy on the sax?
#9 Elif: That's Rafi, he joined in January after our old saxophonist moved to Berlin.
Marcus: He's great. That new song about the ferry gave me chills.
#10 Elif: I wrote that one after my dad's surgery. He used to take me across the Bosphorus on Sundays.
Marcus: How's he doing now?
#11 Elif: The valve is working fine, he's complaining about the hospital food, so we're relieved.
Marcus: Good. Tell him I still owe him a backgammon rematch.
#12 Elif: He'd love that. He's been teaching Deniz and winning every time.
#13 Marcus: I took my nephew to the aquarium this afternoon. He cried when the octopus changed color because he thought it was broken.
Elif: Oh, sweet Tobias! How old is he now?
#14 Marcus: Four and a half, and he'll correct you if you leave out the half. [a photo of a small boy pressing his nose against a fish tank]
Elif: That face! You're such a good uncle.
#15 Marcus: My sister works night shifts at the clinic, so I have him most weekends. I don't mind, he's better company than most adults.
? When did Elif feel the baby kick for the first time? = 8
? Who is the new member of Elif's band? = 9
? Why did Rafi join the band? = 9
? What is Elif's new song about? = 10
? What operation did Elif's father have? = 11
? What game does Elif's father like? = 11 12
? Where did Marcus go with Tobias? = 13
? How old is Marcus's nephew? = 14
? Why does Marcus look after Tobias on weekends? = 15
@ 2023-04-15 19:45
Marcus: Are you sitting down?
Elif: I'm always sitting down these days. Tell me!
#16 Marcus: I got in! The academy begins on June 5 and lasts eighteen weeks.
Elif: AAAAH! I knew it! I'm crying, but it's also the hormones.
#17 Marcus: I gave my two weeks' notice at the warehouse this morning, and my supervisor hugged me. He's never even said good morning before.
Elif: What did your mom say?
#18 Marcus: She went quiet and then she cooked jollof for the whole street. You know how she gets since my brother's accident.
Elif: Of course she's scared. But she's proud too.
#19 Marcus: I promised to call her after every shift. She gave me grandpa's Saint Florian medal to wear.
Elif: That's beautiful. Keep it on.
#20 Elif: We've had a less glorious week. The landlord wants the apartment back for his son, so we need to be out by July.
Marcus: With a baby on the way? That can't be legal.
#21 Elif: It is, sadly. We looked at a place in Oakfield yesterday, two bedrooms and a balcony, but a hundred people were in line.
Marcus: I'll ask around. My aunt knows every landlord in the city.
#22 Elif: You'd save us. Deniz can't paint a nursery that doesn't exist, and he's already bought the paint. It's a sort of mint.
Marcus: Mint is a strong choice.
? When does Marcus start training at the academy? = 16
? How long does the fire academy take? = 16
? How did Marcus's boss react when he resigned? = 17
? What dish did Marcus's mother prepare to celebrate? = 18
? Why is Marcus's mom worried? = 18
? What keepsake did Marcus receive from his mother? = 19
? Why do Elif and Deniz have to move out? = 20
? By when do Elif and Deniz have to leave the apartment? = 20
? Which neighborhood did Elif view an apartment in? = 21
? What color will the nursery be? = 22
@ 2023-05-13 16:00
#23 Elif: Marcus, your aunt is a wizard. We got the flat above the bookshop on Linden Street! We sign on Monday.
Marcus: She called me, shouting with joy. She says you have to name the child after her.
Elif: Philomena is a lot for a small person, but we'll consider it.
#24 Marcus: I'll help you carry everything. I've been lifting weights five times a week for the academy, use me as a mule.
Elif: You'll regret that when you see my record collection.
Marcus: How many are we talking about?
#25 Elif: About nine hundred. Mostly Anatolian rock from the seventies.
Elif: Deniz says it's him or the vinyl, and he hasn't asked which.
Marcus: Haha. When's the move?
#26 Elif: The last weekend of June. I'll direct from a chair with a fan and a bag of pistachios.
#27 Elif: I had my last day at the school on Friday. The children made me a quilt with their handprints. [a photo of a patchwork quilt full of small colored hands]
Marcus: I'm not crying, you are. Will you go back to teaching afterwards?
#28 Elif: In a year or so. I'd like to finish my master's in special education first, if the baby ever sleeps.
Marcus: If anybody can do it, you can.
#29 Marcus: I met someone, by the way. Her name is Joy, she volunteers at the community garden where I take Tobias.
Elif: Marcus and Joy! It sounds like a Christmas album. What's she like?
#30 Marcus: Calm, funny, knows the Latin name of every weed. We planted beans together and I forgot to go home.
Elif: Beans. The food of love.
? Where is Elif's new home? = 23
? How did Elif and Deniz find the new flat? = 23
? How did Marcus prepare physically for the academy? = 24
? What does Elif collect? = 25
? When is Elif moving house? = 26
? What farewell gift did Elif get from her pupils? = 27
? What does Elif do for a living? = 27 28
? What degree does Elif want to complete? = 28
? Who is Marcus's love interest? = 29
? Where did Marcus meet Joy? = 29
? What did Marcus and Joy do on their first day together? = 30
@ 2023-07-09 21:15
Elif: Are you alive? Week five, right?
#31 Marcus: Barely. On Wednesday we crawled through a smoke house for two hours. I lost four pounds and my dignity.
Elif: Did you get out first?
#32 Marcus: Third out of twenty-two. But I dislocated my thumb on the ladder, so now I write like Tobias.
Elif: Ouch! Are they letting you continue?
#33 Marcus: With a splint, yes. The instructor said that thumbs are a luxury.
Elif: Charming. And Joy, is she still around?
#34 Marcus: She is. She comes over on Sundays and we cook for the week. She's vegan, so I've learned eleven things about lentils.
Elif: You, who once ate a burger inside another burger!
#35 Marcus: My cholesterol went down by thirty points. I feel amazing, don't tell the boys.
Elif: Your secret is safe.
#36 Elif: The new flat is wonderful, though the lift broke on the day of the move, as if it knew. Deniz and Rafi carried the washing machine up three floors.
Marcus: I'm sorry I wasn't there, they don't give us weekends off.
#37 Elif: You're forgiven. My midwife says that the baby is lying the wrong way round, so I spend my evenings upside down on an ironing board.
Marcus: Is that dangerous?
#38 Elif: Not yet. If nothing changes by August they'll plan a caesarean.
? What happened during Marcus's training in the smoke house? = 31
? How did Marcus rank in the exercise? = 32
? What injury did Marcus have at the academy? = 32
? What diet does Joy follow? = 34
? What do Marcus and Joy do on Sundays? = 34
? How did Marcus's health improve? = 35
? What went wrong on the day Elif moved? = 36
? Who carried Elif's washing machine? = 36
? What complication does Elif have in her pregnancy? = 37
? Under what condition will Elif have a caesarean? = 38
@ 2023-08-30 08:20
#39 Elif: She's here! Born on Sunday at four in the morning, seven pounds, a head full of black hair. Her name is Defne.
Marcus: WELCOME DEFNE! How are you? How did it go?
#40 Elif: She turned around by herself a week before, so everything went naturally. Fourteen hours. Deniz fainted at hour nine.
Marcus: Of course he did. When can I visit?
Elif: Come on Saturday. Bring food, any food. My milk hasn't come in properly and I'm an emotional puddle.
#41 Marcus: I'll bring my mother's pepper soup, it fixes everything. And Joy knitted a tiny hat in the shape of a strawberry.
#42 Elif: I can't wait to see it. My grandmother is unbearable, she tells everyone she knew it was a girl.
#43 Marcus: Graduation is on October 6. I know it's early for the little one, but it'd mean the world to me if you could come.
Elif: We'll come with earplugs and a stroller.
#44 Marcus: I've been assigned to Station 9, down by the harbor. They have a dog called Hydrant who's afraid of sirens.
Elif: A fire dog with a fear of sirens! I'd like to adopt him immediately.
? What is the name of Elif's daughter? = 39
? When was Defne born? = 39
? How long was Elif in labor? = 40
? Who passed out during the birth? = 40
? What did Joy make for the baby? = 41
? When does Marcus graduate? = 43
? To which fire station was Marcus assigned? = 44
? What is the station dog scared of? = 44
@ 2023-11-12 14:05
Marcus: How's the smallest roommate?
#45 Elif: She laughs! At the vacuum cleaner, of all things. We vacuum about six times a day now.
Marcus: Cleanest flat in town. And you, do you get any sleep?
#46 Elif: In pieces. I've had a hard time, to be honest. The doctor calls it postpartum depression and I've joined a mothers' circle that meets on Thursdays.
Marcus: I'm glad you're getting help, and I'm glad you said it. What do you need?
#47 Elif: Walks. Somebody who takes me outside and doesn't ask whether I'm grateful.
Marcus: I'm off every third day. I'll come by with coffee and no questions.
Elif: Thank you. And how's the real job?
#48 Marcus: I had my first big one last Tuesday, a bakery on Mercer Street. We got an old couple out from the second floor.
Elif: Marcus! You saved two people!
#49 Marcus: Four of us did. The woman wouldn't leave without her canary, so I carried a cage down a ladder. [a photo of a sooty firefighter holding a birdcage]
Elif: That's the best picture I've ever seen. Frame it.
#50 Marcus: My mother did, before I could say no. It hangs next to Jesus.
Elif: As it should. And Joy?
#51 Marcus: We're moving in together in January. She owns more plants than furniture, so I've built shelves along every window.
Elif: I'm so happy for you. You deserve all of it.
#52 Elif: Rafi asked if I'd rehearse again. We've set the comeback for Valentine's Day, back at the Blue Lantern.
Marcus: I'll be in the front row, Defne on my shoulders.
? What makes Defne laugh? = 45
? What illness was Elif diagnosed with? = 46
? What support group does Elif attend? = 46
? When does Elif's support group meet? = 46
? How can Marcus help Elif? = 47
? When did Marcus fight his first big fire? = 48
? Where was the fire that Marcus fought? = 48
? What pet did Marcus rescue? = 49
? Who framed the picture of Marcus? = 50
? When are Marcus and Joy going to live together? = 51
? What did Marcus construct for Joy's plants? = 51
? When will the band play again? = 52
? Which family members does Marcus have? = 13 15 18
? What has Marcus done with Joy? = 30 34 51
? Which musical activities is Elif involved in? = 4 8 10 52
